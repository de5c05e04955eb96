/**
 * access/entry - how POP3 and ManageSieve sessions ask who may enter: the channel they speak of, a SASL exchange
 * carried to its end, and the end of a credential.
 */
import { tlsPart } from '../listen/channel.ts';
import type { AuthStep, Channel, Login, Refusal, Service } from '../ports/authenticator.ts';
import { saslAnswer } from '../protocol/sasl/answer.ts';
import type { Connection } from './connection.ts';

/** Of the connection as it is now: to be made again when TLS has begun. */
export const channelOf = ({ ip, tls }: Connection, service: Service): Channel => ({
  service,
  remote: ip,
  ...(tls === undefined ? { tls: false, channelBindings: new Map() } : tlsPart(tls)),
});

export type Exchange =
  /** `octets`: what the mechanism says last, where the protocol carries it with its success. */
  | { readonly kind: 'in'; readonly login: Login; readonly octets?: Uint8Array }
  | { readonly kind: 'refused'; readonly because: Refusal | 'cancelled' | 'notBase64' };

export interface Dialogue {
  /** Says a challenge and answers what came back: base64, `*`, or undefined for neither. */
  readonly ask: (challenge: Uint8Array) => Promise<string | undefined>;
  /** The protocol has a place for octets in its success (RFC 5804 §2.1). */
  readonly carriesSuccess: boolean;
}

export async function exchange(first: AuthStep, { ask, carriesSuccess }: Dialogue): Promise<Exchange> {
  let step = first;
  while (step.kind === 'challenge') {
    if (step.isLast && carriesSuccess) {
      const { octets } = step;
      const outcome: AuthStep = await step.next(Buffer.alloc(0));
      return outcome.kind === 'in' ? { ...outcome, octets } : refusedAtLast(outcome);
    }
    const answer = await ask(step.octets);
    const response = answer === undefined ? undefined : saslAnswer(answer);
    if (response === undefined || response === 'cancel') {
      step.cancel();
      return { kind: 'refused', because: response === 'cancel' ? 'cancelled' : 'notBase64' };
    }
    step = await step.next(response);
  }
  return step;
}

const refusedAtLast = (step: AuthStep): Exchange =>
  step.kind === 'refused' ? step : { kind: 'refused', because: 'malformed' };

/** setTimeout's own bound. */
const longestTimer = 2 ** 31 - 1;

/** The connection ends when the credential does, unless it has ended before or what is answered is called. */
export function endWith(connection: Connection, { until, account }: Login): () => void {
  const left = until === undefined ? Infinity : until.getTime() - connection.now.getTime();
  if (left > longestTimer) return () => {};
  const timer = setTimeout(
    () => {
      connection.log.info({ ip: connection.ip, account }, 'the credential has ended');
      connection.destroy();
    },
    Math.max(0, left),
  );
  const forget = () => clearTimeout(timer);
  connection.signal.addEventListener('abort', forget, { once: true });
  return forget;
}
