/**
 * access/managesieve/enter - STARTTLS (RFC 5804 §2.2), AUTHENTICATE (§2.1), UNAUTHENTICATE (§2.14.1).
 */
import type { Account } from '../../mail/mailbox.ts';
import type { Login } from '../../ports/authenticator.ts';
import { type Command, parseResponse } from '../../protocol/managesieve/command.ts';
import { challenge, type ResponseCode, saslOk } from '../../protocol/managesieve/respond.ts';
import { saslOctets } from '../../protocol/sasl/answer.ts';
import { type Exchange, exchange } from '../entry.ts';
import { greet } from './general.ts';
import type { Session } from './session.ts';

/** Of one connection; then it is ended. */
const refusalsAtMost = 5;

export async function starttls(session: Session): Promise<void> {
  const { connection } = session;
  if (connection.isSecure) return session.refuse('TLS is on already');
  if (!connection.mayStartTls) return session.refuse('There is no TLS here');
  session.ok('Begin TLS');
  session.isOver = !(await connection.startTls());
  session.forgetInput();
  if (!session.isOver) greet(session);
}

export async function authenticate(
  session: Session,
  { mechanism, initial }: Command & { name: 'AUTHENTICATE' },
): Promise<void> {
  const { channel, connection, deps } = session;
  if (session.needsTls) return session.refuse(...refusals.tlsRequired);
  const octets = initial === undefined ? undefined : saslOctets(initial);
  if (initial !== undefined && octets === undefined)
    return session.refuse('The initial response is not in base64');
  const first = await deps.authenticator.begin(mechanism, channel, octets, connection.signal);
  const outcome = await exchange(first, { ask: (said) => ask(session, said), carriesSuccess: true });
  if (outcome.kind === 'in') return await enter(session, outcome.login, outcome.octets);
  session.refusals += 1;
  if (session.refusals >= refusalsAtMost) session.bye('Too many attempts');
  else session.refuse(...refusals[outcome.because]);
}

async function ask(session: Session, said: Uint8Array): Promise<string | undefined> {
  session.say(challenge(said));
  const input = await session.input();
  return input?.kind === 'words' ? parseResponse(input.words) : undefined;
}

const refusals: Readonly<
  Record<(Exchange & { kind: 'refused' })['because'], readonly [string, ResponseCode?]>
> = {
  mechanism: ['That mechanism is not for use here and now'],
  tlsRequired: ['Say STARTTLS first: passwords need TLS', 'ENCRYPT-NEEDED'],
  malformed: ['The mechanism does not work like that'],
  notBase64: ['That is not base64'],
  cancelled: ['Given up'],
  credentials: ['Name or password are wrong'],
  expired: ['The password or token has expired'],
  notPermitted: ['Not permitted to this account'],
  tooMany: ['Too many failures', 'TRYLATER'],
  unavailable: ['Sign-in is not possible now', 'TRYLATER'],
};

async function enter(session: Session, login: Login, octets: Uint8Array | undefined): Promise<void> {
  const { connection, deps, presence } = session;
  let account: Account | undefined;
  try {
    account = await deps.openAccount(login);
  } catch (error) {
    if (connection.signal.aborted) throw error;
    connection.log.error(
      { ip: connection.ip, account: login.account, err: error },
      'account cannot be opened',
    );
    return session.refuse(...refusals.unavailable);
  }
  if (account === undefined || account.disabled) return session.refuse(...refusals.notPermitted);
  if (presence.enter(account.id, connection.now) !== 'in')
    return session.refuse('Too many sessions of this account', 'TRYLATER');
  session.enter(account, login);
  session.ok('Welcome', octets === undefined ? undefined : saslOk(octets));
  const { authenticatedAs: by, way } = login;
  connection.log.info({ ip: connection.ip, account: account.name, by, way }, 'ManageSieve session');
}

export function unauthenticate(session: Session): void {
  session.leave();
  session.ok('As if you had just come');
}
