/** access/imap/commands/capability - CAPABILITY (RFC 9051 §6.1.1). */
import { capability as printCapability } from '../../../protocol/imap/respond/mailboxes.ts';
import { capabilitiesOf } from '../capabilities.ts';
import type { Rule } from '../rule.ts';

export const capability: Rule<'CAPABILITY'> = {
  where: 'any',
  news: 'all',
  run({ session }) {
    session.say(printCapability(capabilitiesOf(session)));
    return { text: 'That is all' };
  },
};
