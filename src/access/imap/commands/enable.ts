/** access/imap/commands/enable - ENABLE (RFC 5161; RFC 9051 §6.3.1). */
import { enabled } from '../../../protocol/imap/respond/mailboxes.ts';
import type { Rule } from '../rule.ts';
import type { Extension } from '../state.ts';

const extensions: ReadonlyMap<string, { readonly name: Extension; readonly said: string }> = new Map([
  ['IMAP4REV2', { name: 'IMAP4REV2', said: 'IMAP4rev2' }],
  ['CONDSTORE', { name: 'CONDSTORE', said: 'CONDSTORE' }],
  ['QRESYNC', { name: 'QRESYNC', said: 'QRESYNC' }],
  ['UIDONLY', { name: 'UIDONLY', said: 'UIDONLY' }],
  ['UTF8=ACCEPT', { name: 'UTF8=ACCEPT', said: 'UTF8=ACCEPT' }],
]);

export const enable: Rule<'ENABLE'> = {
  where: 'authenticated',
  news: 'all',
  run({ session, command }) {
    const fresh: string[] = [];
    for (const capability of command.capabilities) {
      const known = extensions.get(capability);
      if (known === undefined || fresh.includes(known.said)) continue;
      if (!session.enabled.has(known.name)) fresh.push(known.said);
      session.enable(known.name);
    }
    session.say(enabled(fresh));
    return { text: 'Enabled' };
  },
};
