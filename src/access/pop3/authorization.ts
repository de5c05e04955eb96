/**
 * access/pop3/authorization - before sign-in: STLS (RFC 2595 §4), UTF8 (RFC 6856 §2), USER and PASS (RFC 1939 §7),
 * AUTH (RFC 5034).
 *
 * Passwords are for encrypted connections. UTF8 changes nothing: messages go out octet for octet in either mode, since
 * clients cope with UTF-8 in header fields better than with mail that they cannot fetch (RFC 6856 §4 permits both).
 */
import type { Account } from '../../mail/mailbox.ts';
import type { Login } from '../../ports/authenticator.ts';
import { StoreAway } from '../../ports/messages.ts';
import type { Command } from '../../protocol/pop3/command.ts';
import { challenge, endOfList, listed, ok, type ResponseCode } from '../../protocol/pop3/respond.ts';
import { saslOctets } from '../../protocol/sasl/answer.ts';
import { type Exchange, endWith, exchange } from '../entry.ts';
import { Maildrop, NoInbox } from './maildrop.ts';
import type { Session } from './session.ts';

/** Of one connection; then it is ended. */
const refusalsAtMost = 5;

export async function stls(session: Session): Promise<void> {
  const { connection } = session;
  if (connection.isSecure) return session.refuse('TLS is on already');
  if (!connection.mayStartTls) return session.refuse('There is no TLS here');
  session.say(ok('Begin TLS'));
  session.isOver = !(await connection.startTls());
  session.forgetAll();
}

export function utf8(session: Session): void {
  session.say(ok('UTF8 enabled'));
}

const needsTls = 'Say STLS first: passwords need TLS';

export function user(session: Session, command: Command & { name: 'USER' }): void {
  if (!session.mayShowPassword) {
    session.refuse(needsTls);
    return;
  }
  session.state = { kind: 'authorization', user: command.user };
  session.say(ok('Say PASS now'));
}

export async function pass(session: Session, { password }: Command & { name: 'PASS' }): Promise<void> {
  const { channel, connection, deps, state } = session;
  if (!session.mayShowPassword) return session.refuse(needsTls);
  if (state.kind !== 'authorization' || state.user === undefined) return session.refuse('Say USER first');
  session.state = { kind: 'authorization' };
  const { signal } = connection;
  await conclude(session, await deps.authenticator.password(state.user, password, channel, signal));
}

export async function auth(session: Session, command: Command & { name: 'AUTH' }): Promise<void> {
  const { channel, connection, deps, mechanisms } = session;
  const { mechanism, initial } = command;
  if (mechanism === undefined) {
    // Not in any RFC; old clients look for mechanisms so.
    session.say(`${ok('Mechanisms')}${mechanisms.map((name) => listed(name)).join('')}${endOfList}`);
    return;
  }
  if (session.needsTls) return session.refuse(needsTls);
  // RFC 5034 §4: `=` is an initial response of no octets.
  const octets = initial === undefined ? undefined : saslOctets(initial === '=' ? '' : initial);
  if (initial !== undefined && octets === undefined)
    return session.refuse('The initial response is not in base64');
  const first = await deps.authenticator.begin(mechanism, channel, octets, connection.signal);
  await conclude(
    session,
    await exchange(first, { ask: (said) => ask(session, said), carriesSuccess: false }),
  );
}

async function ask(session: Session, said: Uint8Array): Promise<string | undefined> {
  session.say(challenge(said));
  const line = await session.line();
  return line?.kind === 'line' ? line.octets.toString('latin1') : undefined;
}

/** RFC 3206 §4: AUTH is for the credentials alone. */
const refusals: Readonly<
  Record<(Exchange & { kind: 'refused' })['because'], readonly [string, ResponseCode?]>
> = {
  mechanism: ['That mechanism is not for use here and now'],
  tlsRequired: [needsTls],
  malformed: ['The mechanism does not work like that'],
  notBase64: ['That is not base64'],
  cancelled: ['Given up'],
  credentials: ['Name or password are wrong', 'AUTH'],
  expired: ['The password or token has expired', 'AUTH'],
  notPermitted: ['Not permitted to this account', 'SYS/PERM'],
  tooMany: ['Too many failures, try again later', 'SYS/TEMP'],
  unavailable: ['Sign-in is not possible now, try again later', 'SYS/TEMP'],
};

async function conclude(session: Session, outcome: Exchange): Promise<void> {
  if (outcome.kind === 'in') return await enter(session, outcome.login);
  session.refusals += 1;
  session.isOver = session.refusals >= refusalsAtMost;
  session.refuse(...refusals[outcome.because]);
}

async function enter(session: Session, login: Login): Promise<void> {
  const { connection, deps, options, presence } = session;
  let account: Account | undefined;
  try {
    account = await deps.openAccount(login);
    if (account === undefined || account.disabled) return session.refuse(...refusals.notPermitted);
    const admitted = presence.enter(account.id, connection.now);
    if (admitted === 'tooMany') return session.refuse('Too many sessions of this account', 'IN-USE');
    if (admitted === 'tooSoon')
      return session.refuse(`${options.loginDelay} seconds from one sign-in to the next`, 'LOGIN-DELAY');
  } catch (error) {
    return refuseFor(session, error, login);
  }
  try {
    begin(session, login, account, await Maildrop.open(deps, account, connection.signal));
  } catch (error) {
    presence.leave(account.id);
    refuseFor(session, error, login);
  }
}

function begin(session: Session, login: Login, account: Account, maildrop: Maildrop): void {
  const { connection } = session;
  session.state = { kind: 'transaction', account, maildrop };
  connection.patience = connection.setting.limits.idleTime;
  // Whoever has begun to fetch may finish: only QUIT takes what was fetched out of the maildrop.
  connection.isAtRest = false;
  endWith(connection, login);
  const { messages, octets } = maildrop.total;
  session.say(ok(`${messages} messages (${octets} octets)`));
  const { authenticatedAs: by, way } = login;
  connection.log.info({ ip: connection.ip, account: account.name, by, way, messages }, 'POP3 session');
}

function refuseFor(session: Session, error: unknown, { account }: Login): void {
  const { connection } = session;
  if (connection.signal.aborted) throw error;
  connection.log.error({ ip: connection.ip, account, err: error }, 'maildrop cannot be opened');
  if (error instanceof NoInbox) session.refuse('The account has no INBOX', 'SYS/PERM');
  else if (error instanceof StoreAway) session.refuse('The mail store is away', 'SYS/TEMP');
  else session.refuse('Trouble of ours', 'SYS/TEMP');
}
