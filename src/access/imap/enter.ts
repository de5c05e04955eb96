/**
 * access/imap/enter - from a proven login to a signed-in session, or the refusal the client hears (RFC 5530 §3).
 */
import type { Refusal as AuthRefusal, Outcome } from '../../ports/authenticator.ts';
import { endWith } from '../entry.ts';
import { Names } from './names.ts';
import { Refusal } from './refusal.ts';
import type { Done } from './rule.ts';
import type { Session } from './session.ts';

const refusals = {
  mechanism: ['NO', undefined, 'This mechanism is not offered here'],
  tlsRequired: ['NO', 'PRIVACYREQUIRED', 'Begin TLS first'],
  malformed: ['BAD', 'CLIENTBUG', 'This is not what the mechanism says'],
  notBase64: ['BAD', 'CLIENTBUG', 'This is not base64'],
  cancelled: ['BAD', undefined, 'Given up'],
  credentials: ['NO', 'AUTHENTICATIONFAILED', 'Authentication failed'],
  tooMany: ['NO', 'UNAVAILABLE', 'Too many attempts, try again later'],
  notPermitted: ['NO', 'AUTHORIZATIONFAILED', 'This is not permitted'],
  expired: ['NO', 'EXPIRED', 'These credentials have expired'],
  sessions: ['NO', 'LIMIT', 'This account has too many sessions'],
  unavailable: ['NO', 'UNAVAILABLE', 'This cannot be told at the moment'],
} as const satisfies Record<AuthRefusal | 'cancelled' | 'notBase64' | 'sessions', readonly unknown[]>;

export type EntryRefusal = keyof typeof refusals;

/** Signs in, or throws a Refusal; too many of them end the session. */
export async function enter(
  session: Session,
  outcome: Outcome | { readonly kind: 'refused'; readonly because: EntryRefusal },
): Promise<Done> {
  if (outcome.kind === 'refused') return refuse(session, outcome.because);
  const { login } = outcome;
  const account = await session.deps.openAccount(login);
  if (account === undefined || account.disabled) return refuse(session, 'notPermitted');
  const names = new Names(session.deps, account.id, session.options.othersPrefix);
  if (!session.signIn({ account: account.id, name: account.name, login, names }))
    return refuse(session, 'sessions');
  endWith(session.connection, login);
  return { text: 'Signed in', code: session.capabilityCode };
}

function refuse(session: Session, because: EntryRefusal): never {
  const [verdict, code, text] = refusals[because];
  session.refusedLogins += 1;
  const refusal = new Refusal(verdict, { text, ...(code === undefined ? {} : { code: { code } }) });
  if (session.refusedLogins >= session.options.refusedLogins) session.hangUpAfter();
  throw refusal;
}
