/** access/imap/commands/namespace - NAMESPACE (RFC 2342; RFC 9051 §6.3.10). */
import { namespace as printNamespace } from '../../../protocol/imap/respond/mailboxes.ts';
import { delimiter } from '../names.ts';
import type { Rule } from '../rule.ts';

export const namespace: Rule<'NAMESPACE'> = {
  where: 'authenticated',
  news: 'all',
  run({ session, user }) {
    const spaces = {
      personal: [{ prefix: '', delimiter }],
      others: [{ prefix: user.names.othersPrefix, delimiter }],
      shared: [],
    };
    session.say(printNamespace(spaces, session.dialect));
    return { text: 'These are the namespaces' };
  },
};
