/** access/imap/commands/logout - LOGOUT (RFC 9051 §6.1.3). */
import type { Rule } from '../rule.ts';

export const logout: Rule<'LOGOUT'> = {
  where: 'any',
  news: 'none',
  run({ session }) {
    session.bye('Goodbye');
    return { text: 'Logged out' };
  },
};
