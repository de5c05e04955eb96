/**
 * queue/attempt - one task to its next hop: the copy is made, the agent carries it, and each recipient has an outcome.
 */
import { replyFor } from '../mail/condition.ts';
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { NextHop } from '../mail/route.ts';
import { BlobMissing, type BlobStore } from '../ports/blob-store.ts';
import type { DeliveryAgent } from '../ports/delivery-agent.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import { copyContent } from './copy.ts';
import type { Finish } from './next-hops.ts';
import type { Judging, Settlement } from './outcome.ts';
import * as outcome from './outcome.ts';
import { type PlannedCopy, recipientFor, type Task, transactionFor } from './plan.ts';

export interface AttemptOptions {
  readonly blobs: BlobStore;
  readonly agent: (hop: NextHop) => DeliveryAgent;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly judging: () => Judging;
  /** Whether the claim is held for sure at this instant. */
  readonly isSure: () => boolean;
}

/** The claim came into doubt before the content was sent to its end: the peer has no message, and we stop. */
class ClaimInDoubt extends Error {
  override readonly name = 'ClaimInDoubt';
}

/** What ends an attempt from outside. */
export interface Stops {
  /** The claim may be somebody else's soon. */
  readonly lost: AbortSignal;
  /** Nothing is waited for any more. */
  readonly cut: AbortSignal;
}

/**
 * A lost claim ends an attempt, but not while the peer has the whole message and owes us its answer: to break off
 * then takes nothing back, and makes a second delivery certain.
 */
class Patience implements Disposable {
  readonly #stops: Stops;
  readonly #over = new AbortController();
  #sent = false;

  constructor(stops: Stops) {
    this.#stops = stops;
    for (const signal of [stops.lost, stops.cut]) signal.addEventListener('abort', this.#look);
    this.#look();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether the content was given to its end; it may be asked for again, for another host. */
  sent(whole: boolean): void {
    this.#sent = whole;
    this.#look();
  }

  [Symbol.dispose](): void {
    for (const signal of [this.#stops.lost, this.#stops.cut]) signal.removeEventListener('abort', this.#look);
  }

  readonly #look = (): void => {
    const { lost, cut } = this.#stops;
    if (cut.aborted) this.#over.abort(cut.reason);
    else if (lost.aborted && !this.#sent) this.#over.abort(lost.reason);
  };
}

export interface Attempted {
  readonly settlements: readonly Settlement[];
  readonly finish: Finish;
}

export async function attempt(task: Task, options: AttemptOptions, stops: Stops): Promise<Attempted> {
  using patience = new Patience(stops);
  const start = performance.now();
  try {
    const statuses = await carry(task, options, patience);
    const durationMs = Math.round(performance.now() - start);
    options.metrics.observe('isthmus_attempt_seconds', durationMs / 1000);
    return {
      settlements: task.copies.map((planned, index) =>
        conclude(task, planned, statuses[index], durationMs, options),
      ),
      finish: finishOf(statuses),
    };
  } catch (error) {
    return {
      settlements: task.copies.map((planned) => interrupted(task, planned, error, options, patience.signal)),
      finish: 'neither',
    };
  }
}

async function carry(
  task: Task,
  { agent, blobs, isSure }: AttemptOptions,
  patience: Patience,
): Promise<readonly DeliveryStatus[]> {
  const { signal } = patience;
  signal.throwIfAborted();
  const { message, copies, nextHop } = task;
  const { addHeaders, removeHeaders } = copies[0]?.copy ?? { addHeaders: [], removeHeaders: [] };
  const { size, content } = await copyContent(message, { addHeaders, removeHeaders }, blobs, signal);
  const utf8Added = addHeaders.some((line) => /[^\x00-\x7f]/.test(line));
  return agent(nextHop).deliver(
    {
      queueId: message.id,
      transaction: transactionFor(task),
      recipients: copies.map(recipientFor),
      nextHop,
      size,
      eightBit: message.facts.eightBit || utf8Added,
      utf8Header: message.facts.utf8Header || utf8Added,
      content: (use) => whileSure(content(use), isSure, patience),
    },
    signal,
  );
}

/**
 * Without a database an outcome can only wait in memory, where a crash would lose it and make a duplicate. So what has
 * not been sent whole by then is not sent; what has is waited for.
 */
async function* whileSure(
  content: AsyncIterable<Uint8Array>,
  isSure: () => boolean,
  patience: Patience,
): AsyncGenerator<Uint8Array> {
  patience.sent(false);
  for await (const chunk of content) {
    if (!isSure()) throw new ClaimInDoubt('the database is away; this delivery is broken off');
    yield chunk;
  }
  if (!isSure()) throw new ClaimInDoubt('the database is away; this delivery is broken off');
  patience.sent(true);
}

function conclude(
  task: Task,
  planned: PlannedCopy,
  status: DeliveryStatus | undefined,
  durationMs: number,
  { judging, metrics }: AttemptOptions,
): Settlement {
  const known = status ?? {
    outcome: 'later',
    reply: replyFor('later', 'localError', 'No outcome was given'),
  };
  const facts = { nextHop: task.key, address: planned.copy.recipient, because: planned.because, durationMs };
  metrics.count('isthmus_deliveries_total', { nexthop: task.nextHop.kind, outcome: known.outcome });
  if (known.outcome === 'delivered') {
    const took = judging().now.getTime() - task.message.receivedAt.getTime();
    metrics.observe('isthmus_delivery_seconds', took / 1000);
  }
  return outcome.concludeAttempt(subjectOf(task, planned), facts, known, judging());
}

/** No outcome: given back where we were told to stop, held where the content is gone, else tried later. */
function interrupted(
  task: Task,
  planned: PlannedCopy,
  error: unknown,
  { judging, log }: AttemptOptions,
  signal: AbortSignal,
): Settlement {
  const subject = subjectOf(task, planned);
  if (signal.aborted || error instanceof ClaimInDoubt) return outcome.givenBack(subject, task.key);
  log.error({ err: error, queueId: task.message.id, nextHop: task.key }, 'a delivery attempt broke off');
  if (error instanceof BlobMissing) {
    return outcome.held(subject, 'the content is missing from the blob store', planned.because, judging());
  }
  return outcome.deferred(
    subject,
    { reply: replyFor('later', 'localError'), because: planned.because, nextHop: task.key },
    judging(),
  );
}

export const subjectOf = (task: Task, { recipient }: PlannedCopy): outcome.Subject => ({
  message: task.message,
  recipient,
  claimedBy: task.claimedBy,
});

/** Down only where it is so for all; any word of the peer shows that it is there. */
function finishOf(statuses: readonly DeliveryStatus[]): Finish {
  if (statuses.length > 0 && statuses.every((status) => status.destinationDown)) return 'down';
  return statuses.some(isWord) ? 'good' : 'neither';
}

/** `X.4.x` is about the way there (RFC 3463 §3.5): a peer that was connected to and then said nothing more is no good. */
const isWord = ({ outcome, peer, reply }: DeliveryStatus): boolean =>
  outcome === 'delivered' || (peer !== undefined && !reply.enhanced?.startsWith('4.4.'));
