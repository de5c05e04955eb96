/** access/imap/commands/login - LOGIN (RFC 9051 §6.2.3): only where a password may be said. */
import { enter } from '../enter.ts';
import type { Rule } from '../rule.ts';

export const login: Rule<'LOGIN'> = {
  where: 'notAuthenticated',
  news: 'none',
  async run({ session, command: { user, password } }) {
    if (!session.mayLogin)
      return await enter(session, {
        kind: 'refused',
        because: session.connection.isSecure ? 'mechanism' : 'tlsRequired',
      });
    const { authenticator } = session.deps;
    return await enter(
      session,
      await authenticator.password(user, password, session.channel, session.signal),
    );
  },
};
