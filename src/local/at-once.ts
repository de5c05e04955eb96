/**
 * local/at-once - delivery while the client waits (LMTP): who is here gets the message now and has a reply of his own;
 * for all others it goes into the spool.
 *
 *   stage (with the content's end: finish) --> here:  local agent  --> its status as the reply
 *                                          --> else:  Spool.accept --> 250 queued, or why not
 *
 * Once the message is staged, a client that goes away is not waited for and does not stop what has begun: some may have
 * the message already. It will send it again, and then it is another message.
 */
import { type Address, addressKey, needsSmtpUtf8 } from '../mail/address.ts';
import { asMailError, MailError } from '../mail/condition.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Reply } from '../mail/reply.ts';
import type { Copy, Decision, NextHop } from '../mail/route.ts';
import type { LocalDelivery, LocalIncoming } from '../ports/local-delivery.ts';
import { MessageTooBig, StoreFull } from '../ports/messages.ts';
import type { Local } from './deliver-here.ts';
import { ContentFault, type InHand } from './in-hand.ts';
import type { LocalOptions } from './options.ts';
import { whyNot } from './whose.ts';

type Finished = Awaited<ReturnType<LocalIncoming['finish']>>;

export interface AtOnceOptions extends LocalOptions {
  readonly local: Local;
  /** The next hop is this store. */
  readonly isHere: (hop: NextHop) => boolean;
}

/** Never aborts: what was begun is brought to its end. */
const toTheEnd = new AbortController().signal;

/** Milliseconds for which a recipient who takes mail is not asked about again at RCPT; delivery asks in any case. */
const takenFor = 2_000;
const takersKept = 1_000;

export function openAtOnce(options: AtOnceOptions): LocalDelivery {
  const { isHere, now } = options;
  /** Until when, by address. */
  const takers = new Map<string, number>();
  return {
    async refusal(_, decision, signal) {
      const copy = copyHere(decision, isHere);
      if (copy === undefined) return undefined;
      const key = addressKey(copy.recipient);
      const at = now().getTime();
      if (at < (takers.get(key) ?? 0)) return undefined;
      const refusal = await whyNot(copy.recipient, options, signal);
      if (takers.size >= takersKept) takers.clear();
      if (refusal === undefined) takers.set(key, at + takenFor);
      else takers.delete(key);
      return refusal;
    },
    accept: (incoming, signal) => accept(incoming, options, signal),
  };
}

/** The one copy, when it is for a mailbox here and gets no header fields. All else is the queue's. */
function copyHere(decision: Decision | undefined, isHere: AtOnceOptions['isHere']): Copy | undefined {
  if (decision?.verdict !== 'deliver' || decision.copies.length !== 1) return undefined;
  const [copy] = decision.copies;
  if (copy === undefined || !isHere(copy.nextHop)) return undefined;
  const plain = copy.addHeaders.length === 0 && copy.sender === undefined;
  return plain && copy.purpose === 'delivery' ? copy : undefined;
}

/**
 * Whether a field of these names (`*` at the end stands for any rest) may be in the message, so that the queue must take
 * it out. Every line of the header section counts that begins like one; a section too long to be seen whole has them.
 */
function mayHave({ headerOctets, headerWhole }: InHand, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  if (!headerWhole) return true;
  const exact = new Set(names.filter((name) => !name.endsWith('*')));
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  const header = Buffer.from(headerOctets).toString('latin1').toLowerCase();
  return header.split(/[\r\n]+/).some((line) => {
    const name = line.slice(0, Math.max(0, line.indexOf(':'))).trimEnd();
    return exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
  });
}

async function accept(
  incoming: LocalIncoming,
  options: AtOnceOptions,
  signal: AbortSignal,
): Promise<readonly Reply[]> {
  const { message, finished } = await take(incoming, options, signal);
  const { recipients } = incoming.envelope;
  const replies = new Map<number, Reply>();
  const here: { readonly at: number; readonly recipient: Recipient }[] = [];
  const others: number[] = [];
  recipients.forEach((recipient, at) => {
    const decision = finished.decisions[at];
    const copy = copyHere(decision, options.isHere);
    // The queue makes the reports of success, and takes fields out that are not to come in.
    const asItIs = copy !== undefined && !mayHave(message, copy.removeHeaders);
    if (asItIs && !recipient.notify?.includes('success'))
      here.push({ at, recipient: readdressed(recipient, copy.recipient) });
    else if (decision?.verdict === 'refuse' || decision?.verdict === 'defer') replies.set(at, decision.reply);
    else others.push(at);
  });
  if (here.length > 0)
    told(
      incoming,
      finished,
      here.map(({ recipient }) => recipient),
      options,
    );
  const [statuses, queued] = await Promise.all([
    options.local.toAccounts(
      message,
      here.map(({ recipient }) => recipient),
      true,
      toTheEnd,
    ),
    spool(incoming, finished, message, others, options),
  ]);
  here.forEach(({ at, recipient }, n) => {
    const status = statuses[n];
    if (status === undefined) return;
    const { reply } = status;
    replies.set(
      at,
      status.outcome === 'delivered' ? { ...reply, lines: [`Ok: delivered as ${incoming.id}`] } : reply,
    );
    tell(incoming, recipient, finished.decisions[at], status, options);
  });
  for (const at of others) replies.set(at, queued);
  return recipients.map((_, at) => replies.get(at) ?? new MailError('later', 'localError').reply);
}

/** Staged with the trace fields on top. What `finish` throws leaves nothing behind. */
async function take(
  incoming: LocalIncoming,
  { local }: AtOnceOptions,
  signal: AbortSignal,
): Promise<{ message: InHand; finished: Finished }> {
  let finished: Finished | undefined;
  async function* content(): AsyncGenerator<Uint8Array> {
    yield incoming.trace;
    yield* incoming.content;
    finished = await incoming.finish();
  }
  try {
    const arriving = { queueId: incoming.id, transaction: incoming.envelope, content };
    const message = await local.take(arriving, signal);
    if (finished === undefined) throw new Error(`the store ended before the content of ${incoming.id} did`);
    return { message, finished };
  } catch (error) {
    if (error instanceof ContentFault) throw error.cause;
    if (error instanceof MessageTooBig) throw new MailError('never', 'messageTooBig', { cause: error });
    if (error instanceof StoreFull) throw new MailError('later', 'systemFull', { cause: error });
    throw asMailError(error);
  }
}

const readdressed = (recipient: Recipient, address: Address): Recipient => {
  if (address.text === recipient.address.text) return recipient;
  const type = needsSmtpUtf8(recipient.address) ? 'utf-8' : 'rfc822';
  return { ...recipient, address, orcpt: recipient.orcpt ?? `${type};${recipient.address.text}` };
};

/** The reply for all of them. */
async function spool(
  incoming: LocalIncoming,
  finished: Finished,
  message: InHand,
  others: readonly number[],
  { spool: queue, log }: AtOnceOptions,
): Promise<Reply> {
  const queued: Reply = { code: 250, enhanced: '2.0.0', lines: [`Ok: queued as ${incoming.id}`] };
  if (others.length === 0) return queued;
  const recipients = others.flatMap((at) => incoming.envelope.recipients[at] ?? []);
  try {
    await queue.accept(
      {
        ...incoming,
        envelope: { ...incoming.envelope, recipients },
        content: message.content(toTheEnd, incoming.trace.length),
        finish: async () => ({ facts: finished.facts }),
      },
      toTheEnd,
    );
    return queued;
  } catch (error) {
    const known = asMailError(error);
    log.warn({ queueId: incoming.id, err: known.cause ?? error }, 'not queued for those who are elsewhere');
    return known.reply;
  }
}

/** `accepted`, as the queue would tell it. */
function told(
  { id, envelope, client, receivedAt }: LocalIncoming,
  { facts }: Finished,
  recipients: readonly Recipient[],
  { trace }: AtOnceOptions,
): void {
  const { listener, protocol, ip, helo, name, tls, account, site } = client;
  trace?.record({
    at: receivedAt,
    event: 'accepted',
    queueId: id,
    because: [],
    detail: {
      sender: envelope.sender?.text ?? '<>',
      ...(facts.messageId === undefined ? {} : { messageId: facts.messageId }),
      size: facts.size,
      recipients: recipients.map(({ address }) => address.text),
      client: { listener, protocol, ip, helo, name, tls: tls?.version, account, site },
    },
  });
}

function tell(
  { id, receivedAt }: LocalIncoming,
  { address }: Recipient,
  decision: Decision | undefined,
  { outcome, reply }: { readonly outcome: 'delivered' | 'later' | 'failed'; readonly reply: Reply },
  { trace, metrics, now }: AtOnceOptions,
): void {
  metrics.count('isthmus_deliveries_total', { nexthop: 'local', outcome });
  if (outcome === 'delivered')
    metrics.observe('isthmus_delivery_seconds', (now().getTime() - receivedAt.getTime()) / 1000);
  // What was refused or put off while the client waits is the client's again: nothing is kept of it here.
  trace?.record({
    at: now(),
    event: outcome === 'delivered' ? 'delivered' : 'refused',
    queueId: id,
    recipient: address.text,
    because: decision?.because ?? [],
    detail: { reply, agent: 'local' },
  });
}
