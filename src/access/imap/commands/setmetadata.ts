/** access/imap/commands/setmetadata - SETMETADATA (RFC 5464 §4.3). */
import { MailboxTrouble } from '../../../ports/mailboxes.ts';
import type { Code } from '../../../protocol/imap/respond/status.ts';
import { needAnnotated, note, valueAtMost } from '../metadata.ts';
import { Refusal } from '../refusal.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';

async function run({ session, user, command }: UserCall<Named<'SETMETADATA'>>): Promise<Done> {
  const values = new Map<string, string | undefined>();
  for (const [name, value] of command.values) {
    if ((value?.length ?? 0) > valueAtMost)
      throw refused({ code: 'METADATA', problem: 'MAXSIZE', octets: valueAtMost });
    values.set(name.toLowerCase(), value?.toString('latin1'));
  }
  const known = await needAnnotated(user, command.mailbox);
  try {
    await note(session, user, known, values);
  } catch (thrown) {
    if (thrown instanceof MailboxTrouble && thrown.fault === 'tooMany')
      throw refused({ code: 'METADATA', problem: 'TOOMANY' });
    throw thrown;
  }
  return { text: 'Noted' };
}

const refused = (code: Code): Refusal => new Refusal('NO', { text: 'This is more than is kept', code });

export const setMetadata: Rule<'SETMETADATA'> = { where: 'authenticated', news: 'all', run };
