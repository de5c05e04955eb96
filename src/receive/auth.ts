/**
 * receive/auth - AUTH PLAIN and LOGIN (RFC 4954, RFC 4616), within TLS only, against a verifier that is handed in.
 */
import { MailError } from '../mail/condition.ts';
import type { Connection } from './connection.ts';
import type { Credentials } from './options.ts';
import { replies } from './replies.ts';

export const mechanisms = ['PLAIN', 'LOGIN'] as const;

export function auth(session: Connection, argument: string): void | Promise<void> {
  const { authenticate } = session.setting.deps;
  if (authenticate === undefined) throw new MailError('never', 'notSupported');
  if (!session.secure) throw new MailError('never', 'tlsRequired');
  if (session.who.account !== undefined)
    throw new MailError('never', 'badSequence', { text: 'Authenticated already' });
  const [mechanism = '', initial, ...rest] = argument.split(' ');
  if (rest.length > 0)
    throw new MailError('never', 'badSyntax', { text: 'Syntax: AUTH mechanism [initial-response]' });
  switch (mechanism.toUpperCase()) {
    case 'PLAIN':
      return ask(session, '', initial, (answer) => verify(session, parsePlain(answer)));
    case 'LOGIN':
      return ask(session, 'Username:', initial, (user) =>
        ask(session, 'Password:', undefined, (password) => verify(session, { user, password })),
      );
    default:
      throw failure(replies.badMechanism);
  }
}

const failure = (reply: (typeof replies)[keyof typeof replies]): MailError =>
  new MailError('never', 'authenticationRequired', { reply });

/** The client's answer, decoded: from the command itself, or from the line that follows a 334. */
function ask(
  session: Connection,
  challenge: string,
  initial: string | undefined,
  use: (answer: string) => void | Promise<void>,
): void | Promise<void> {
  if (initial !== undefined) return use(decode(initial === '=' ? '' : initial));
  session.say({ code: 334, lines: [`${Buffer.from(challenge).toString('base64')}`] });
  session.continuation = (line) => {
    const text = line.toString('latin1');
    if (text === '*') throw failure(replies.authCancelled);
    return use(decode(text));
  };
}

function decode(text: string): string {
  const octets = Buffer.from(text, 'base64');
  if (octets.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw new MailError('never', 'badSyntax', { text: 'Not base64' });
  }
  return octets.toString('utf8');
}

/** RFC 4616 §2: authzid NUL authcid NUL password. Acting for another one is not offered. */
function parsePlain(answer: string): Credentials {
  const [authorization, user, password, ...rest] = answer.split('\0');
  const mine = authorization === '' || authorization === user;
  if (user === undefined || password === undefined || rest.length > 0 || !mine)
    throw failure(replies.badCredentials);
  return { user, password };
}

async function verify(session: Connection, credentials: Credentials): Promise<void> {
  const { authenticate } = session.setting.deps;
  const account =
    credentials.user === ''
      ? undefined
      : await authenticate?.(credentials, session.who.client, session.signal);
  if (account === undefined) throw failure(replies.badCredentials);
  session.who.account = account;
  session.resetTransaction();
  session.say(replies.authenticated);
}
