/** access/imap/commands/starttls - STARTTLS (RFC 9051 §6.2.1). */
import { bad } from '../refusal.ts';
import type { Rule } from '../rule.ts';

export const starttls: Rule<'STARTTLS'> = {
  where: 'notAuthenticated',
  news: 'none',
  run({ session }) {
    if (!session.connection.mayStartTls) throw bad('There is no TLS to begin');
    return { text: 'Begin TLS now', after: () => session.startTls() };
  },
};
