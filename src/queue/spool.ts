/**
 * queue/spool - taking a message in: durable before `250`, nothing kept after any other answer.
 *
 * Content up to `inlineLimit` travels inside the message's row, larger content is first streamed to the blob store.
 * Concurrent accepts share transactions (batches.ts). Nothing here waits for a notice: workers are told after the
 * commit, and look by themselves once a second where the word was lost.
 *
 * Where a worker lives in the same process and has room, messages are committed as already claimed by it and handed
 * over in memory: no claim to write, no body to read back. `bench:spool` says what that is worth.
 */
import { MailError } from '../mail/condition.ts';
import type { ContentFacts } from '../mail/content.ts';
import { type Blob, type BlobStore, BlobStoreFull } from '../ports/blob-store.ts';
import { type Database, DatabaseAway, DatabaseFull } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Incoming, QueueId, Spool } from '../ports/spool.ts';
import { Batches } from './batches.ts';
import { Capacity } from './capacity.ts';
import { insertMessages, type NewMessage } from './insert.ts';
import { Notifier } from './notifier.ts';
import { queueIds } from './queue-id.ts';
import {
  freshRecipient,
  memoryOf,
  type NewRecipient,
  type SpooledMessage,
  slotOf,
  transactionOf,
} from './rows.ts';
import { acceptedRow } from './trace-rows.ts';
import { Withdrawals } from './withdraw.ts';
import type { HandedOver } from './worker.ts';

export interface SpoolLimits {
  /** Octets of content that stay in the database row. */
  readonly inlineLimit: number;
  /** Messages and octets in the spool, over all nodes; more is answered with 452. */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Milliseconds until a message that cannot be delivered is given up; of a report (from `<>`). */
  readonly lifetime: number;
  readonly reportLifetime: number;
}

/** A worker in this process, as the spool sees it. */
export interface NearWorker {
  /** Its claim id, if it can take so much more now; undefined: let anyone claim it. */
  reserve(id: QueueId, recipients: number, bytes: number): number | undefined;
  /** What was reserved: committed, and the worker's own now. */
  take(handed: HandedOver): void;
  /** What was reserved will not come. */
  release(id: QueueId, recipients: number, bytes: number): void;
}

export interface SpoolOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  /** This node's name, for the trace. */
  readonly hostname: string;
  readonly limits: SpoolLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  readonly random: () => number;
  readonly worker?: NearWorker;
}

/** Bounds of one transaction. */
const batch = { parallel: 2, items: 200, bytes: 4 * 1024 * 1024 } as const;
const mostChunks = 64;

export function openSpool(options: SpoolOptions): Spool & { close(): Promise<void> } {
  const { database, log, metrics, now, worker } = options;
  const capacity = new Capacity(database, options.limits, log);
  const withdrawals = new Withdrawals(database, log);
  const notifier = new Notifier(database);
  const commits = new Batches<NewMessage, Error | undefined>({
    parallel: batch.parallel,
    maxItems: batch.items,
    maxWeight: batch.bytes,
    run: (items) => commit(items, database, withdrawals),
  });

  /** Committed when it returns; a worker knows, or will soon. */
  async function keep(message: SpooledMessage, recipients: readonly NewRecipient[]): Promise<void> {
    const weight = memoryOf(message);
    const claimedBy = worker?.reserve(message.id, recipients.length, weight);
    const rows = claimedBy === undefined ? recipients : recipients.map((one) => ({ ...one, claimedBy }));
    const names = rows.map((one) => one.recipient.address.text);
    const trace = [acceptedRow(message, names, options.hostname)];
    const trouble = await commits.add({ message, recipients: rows, trace }, weight);
    if (claimedBy === undefined) {
      if (!trouble) notifier.notify();
    } else if (trouble) {
      worker?.release(message.id, rows.length, weight);
    } else {
      worker?.take({ claimedBy, message, recipients: rows.map(freshRecipient) });
    }
    if (trouble) throw trouble;
  }

  return {
    newId: queueIds(now, options.random),
    async accept(incoming: Incoming, signal: AbortSignal): Promise<void> {
      try {
        capacity.check();
        const recipients = newRecipients(incoming, now());
        const taken = await takeContent(incoming, options, signal);
        const { facts } = taken;
        await keep(spooled(incoming, taken, recipients.length, options.limits), recipients);
        capacity.added(facts.size);
        const labels = { listener: incoming.client.listener };
        metrics.count('isthmus_messages_accepted_total', labels);
        metrics.count('isthmus_bytes_accepted_total', labels, facts.size);
      } catch (error) {
        throw asRefusal(error, incoming.id, log);
      }
    },
    async close(): Promise<void> {
      await commits.idle();
      capacity.close();
      withdrawals.close();
      notifier.close();
    },
  };
}

/** One transaction for all; where a single message spoils it, one for each. */
async function commit(
  items: readonly NewMessage[],
  database: Database,
  withdrawals: Withdrawals,
): Promise<readonly (Error | undefined)[]> {
  try {
    await insertMessages(database, items);
    return items.map(() => undefined);
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (error instanceof DatabaseAway) withdrawals.add(items);
    if (error instanceof DatabaseAway || error instanceof DatabaseFull || items.length === 1) {
      return items.map(() => error);
    }
    const results: (Error | undefined)[] = [];
    for (const item of items) results.push(...(await commit([item], database, withdrawals)));
    return results;
  }
}

interface TakenContent {
  readonly content: SpooledMessage['content'];
  readonly facts: ContentFacts;
  readonly lacking?: Uint8Array;
}

/** Reads the content to its end. `finish` is asked inside, so that a refusal leaves nothing in the blob store. */
async function takeContent(
  incoming: Incoming,
  options: SpoolOptions,
  signal: AbortSignal,
): Promise<TakenContent> {
  const source = incoming.content[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= options.limits.inlineLimit) {
    signal.throwIfAborted();
    const next = await source.next();
    if (next.done) {
      return {
        content: { kind: 'inline', body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) },
        ...(await incoming.finish()),
      };
    }
    chunks.push(next.value);
    size += next.value.length;
    // Many small ones take much more memory than their octets.
    if (chunks.length >= mostChunks) chunks.splice(0, chunks.length, Buffer.concat(chunks));
  }
  let finished: Awaited<ReturnType<Incoming['finish']>> | undefined;
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* chunks.splice(0);
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
    finished = await incoming.finish();
  }
  const blob: Blob = await options.blobs.write(whole(), signal);
  if (!finished) throw new Error(`the blob store ended before the content of ${incoming.id} did`);
  return { content: { kind: 'blob', key: blob.key }, ...finished };
}

/** One row for each person; an address given twice is one delivery (mail/address: equal keys are the same person's). */
function newRecipients(incoming: Incoming, dueAt: Date): readonly NewRecipient[] {
  const bySlot = new Map<string, NewRecipient>();
  for (const recipient of incoming.envelope.recipients) {
    const slot = slotOf(recipient.address);
    if (!bySlot.has(slot)) bySlot.set(slot, { slot, recipient, dueAt });
  }
  return [...bySlot.values()];
}

function spooled(
  incoming: Incoming,
  { content, facts, lacking }: TakenContent,
  recipients: number,
  limits: SpoolLimits,
): SpooledMessage {
  const { id, envelope, client, receivedAt } = incoming;
  const trace = lacking === undefined ? incoming.trace : Buffer.concat([incoming.trace, lacking]);
  const lifetime = envelope.sender === null ? limits.reportLifetime : limits.lifetime;
  return {
    id,
    transaction: transactionOf(envelope),
    client,
    facts,
    receivedAt,
    expiresAt: new Date(receivedAt.getTime() + lifetime),
    trace,
    content,
    recipients,
  };
}

/** What the client is told. Trouble that is not the client's goes to our log. */
function asRefusal(error: unknown, id: QueueId, log: Log): Error {
  if (error instanceof MailError) return error;
  const full = error instanceof DatabaseFull || error instanceof BlobStoreFull;
  log.error({ err: error, queueId: id }, full ? 'cannot keep a message: no space' : 'cannot keep a message');
  return new MailError('later', full ? 'systemFull' : 'localError', { cause: error });
}
