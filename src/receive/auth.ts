/**
 * receive/auth - AUTH (RFC 4954): the exchange of any SASL mechanism, judged by the authenticator that is handed in.
 */
import { tlsPart } from '../listen/channel.ts';
import { MailError, replyFor } from '../mail/condition.ts';
import type { Reply } from '../mail/reply.ts';
import type { AuthStep, Channel, Outcome, Refusal } from '../ports/authenticator.ts';
import type { Connection } from './connection.ts';
import { replies } from './replies.ts';

/** RFC 4954 §6. Why a proof did not do is not told. */
const refusals: Readonly<Record<Refusal, Reply>> = {
  mechanism: replies.badMechanism,
  tlsRequired: replyFor('never', 'tlsRequired'),
  malformed: replies.badResponse,
  credentials: replies.badCredentials,
  tooMany: replies.authLater,
  notPermitted: replies.badCredentials,
  expired: replies.badCredentials,
  unavailable: replies.authLater,
};

/** As AUTH in the answer to EHLO names them; empty where nobody can sign in. */
export function mechanisms(session: Connection): readonly string[] {
  const { authenticator } = session.setting.deps;
  return authenticator === undefined ? [] : authenticator.mechanisms(channelOf(session));
}

export async function auth(session: Connection, argument: string): Promise<void> {
  const { authenticator } = session.setting.deps;
  if (authenticator === undefined) throw new MailError('never', 'notSupported');
  if (session.who.account !== undefined) {
    throw new MailError('never', 'badSequence', { text: 'Authenticated already' });
  }
  const [mechanism = '', initial, ...rest] = argument.split(' ');
  if (mechanism === '' || rest.length > 0) {
    throw new MailError('never', 'badSyntax', { text: 'Syntax: AUTH mechanism [initial-response]' });
  }
  // RFC 4954 §4: "=" is an initial response of no octets.
  const response = initial === undefined ? undefined : decode(initial === '=' ? '' : initial);
  const channel = channelOf(session);
  go(session, await authenticator.begin(mechanism.toUpperCase(), channel, response, session.signal));
}

function channelOf(session: Connection): Channel {
  return { service: 'smtp', remote: session.who.ip, ...tlsPart(session._socket) };
}

function go(session: Connection, step: AuthStep): void {
  if (step.kind !== 'challenge') {
    settle(session, step);
    return;
  }
  session.say({ code: 334, lines: [Buffer.from(step.octets).toString('base64')] });
  session.continuation = (line) => {
    const text = line.toString('latin1');
    if (text === '*') {
      step.cancel();
      throw failure(replies.authCancelled);
    }
    return step.next(decodeAnswer(text, step)).then((next) => go(session, next));
  };
}

function decodeAnswer(text: string, step: { cancel(): void }): Buffer {
  try {
    return decode(text);
  } catch (error) {
    step.cancel();
    throw error;
  }
}

function settle(session: Connection, outcome: Outcome): void {
  if (outcome.kind === 'refused') throw failure(refusals[outcome.because]);
  session.who.account = outcome.login.account;
  session.resetTransaction();
  session.say(replies.authenticated);
}

const failure = (reply: Reply): MailError => new MailError('never', 'authenticationRequired', { reply });

function decode(text: string): Buffer {
  const octets = Buffer.from(text, 'base64');
  if (octets.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw new MailError('never', 'badSyntax', { text: 'Not base64' });
  }
  return octets;
}
