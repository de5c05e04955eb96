/** access/imap/commands/authenticate - AUTHENTICATE (RFC 9051 §6.2.2) with an initial response (RFC 4959). */
import { challenge } from '../../../protocol/imap/respond/status.ts';
import { exchange } from '../../entry.ts';
import { enter } from '../enter.ts';
import type { Rule } from '../rule.ts';

export const authenticate: Rule<'AUTHENTICATE'> = {
  where: 'notAuthenticated',
  news: 'none',
  async run({ session, command: { mechanism, initial } }) {
    if (!session.mayAuthenticate) return await enter(session, { kind: 'refused', because: 'tlsRequired' });
    const { authenticator } = session.deps;
    const first = await authenticator.begin(mechanism, session.channel, initial, session.signal);
    const outcome = await exchange(first, {
      carriesSuccess: false,
      ask: (octets) => {
        session.say(challenge(octets));
        return session.input.line();
      },
    });
    return await enter(session, outcome);
  },
};
