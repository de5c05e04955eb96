/** access/imap/commands/unauthenticate - UNAUTHENTICATE (RFC 8437): another user may sign in on this connection. */
import type { Rule } from '../rule.ts';

export const unauthenticate: Rule<'UNAUTHENTICATE'> = {
  where: 'authenticated',
  news: 'none',
  run({ session }) {
    session.signOut();
    return { text: 'Nobody is signed in' };
  },
};
