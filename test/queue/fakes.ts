/**
 * queue/fakes - the rooms around the queue, as a test wants them: a next hop that answers by a function and writes
 * down what it got, a routing by a function, groups from a table, blobs in memory.
 */
import { createHash } from 'node:crypto';
import { type Address, addressKey, parseAddress } from '../../src/mail/address.ts';
import type { ContentFacts } from '../../src/mail/content.ts';
import type { DeliveryStatus } from '../../src/mail/delivery.ts';
import type { Client, Recipient, Transaction } from '../../src/mail/envelope.ts';
import type { Copy, Decision, NextHop } from '../../src/mail/route.ts';
import { BlobMissing, type BlobStore } from '../../src/ports/blob-store.ts';
import type { Database } from '../../src/ports/database.ts';
import type { DeliveryAgent, DeliveryTask } from '../../src/ports/delivery-agent.ts';
import type { GroupMember } from '../../src/ports/directory.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import type { Question, Routing } from '../../src/ports/routing.ts';
import type { Incoming, Spool } from '../../src/ports/spool.ts';
import type { TraceRow } from '../../src/ports/trace.ts';
import { openSpool, type SpoolLimits, type SpoolOptions } from '../../src/queue/spool.ts';
import { openTrace } from '../../src/queue/trace.ts';
import { startWorker, type Worker, type WorkerOptions, type WorkerPolicy } from '../../src/queue/worker.ts';

export const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`no address: ${text}`);
  return parsed;
};

export const minutes = (count: number): number => count * 60_000;
export const hours = (count: number): number => count * 3_600_000;

export const limits: SpoolLimits = {
  inlineLimit: 64 * 1024,
  maxMessages: 1_000_000,
  maxBytes: 1e12,
  lifetime: hours(120),
  reportLifetime: hours(48),
};

export const policy: WorkerPolicy = {
  retry: [minutes(5), minutes(15), minutes(30), hours(1), hours(2), hours(4)],
  greylistRetry: minutes(2),
  greylistTries: 3,
  delayWarning: hours(4),
  concurrency: { start: 5, max: 20, total: 100, downFirst: 30_000, downMax: minutes(10) },
  inHand: { recipients: 500, memory: 64 * 1024 * 1024 },
  recipientsPerTransaction: 100,
  reports: { returnLimit: 50_000 },
  reportLifetime: hours(48),
};

export const ok: DeliveryStatus = {
  outcome: 'delivered',
  reply: { code: 250, enhanced: '2.0.0', lines: ['taken'] },
  peer: { host: 'peer.example', ip: '192.0.2.25', port: 25 },
};
export const busy: DeliveryStatus = {
  outcome: 'later',
  reply: { code: 451, enhanced: '4.3.0', lines: ['busy'] },
  peer: { host: 'peer.example', ip: '192.0.2.25', port: 25 },
};
export const unknown: DeliveryStatus = {
  outcome: 'failed',
  reply: { code: 550, enhanced: '5.1.1', lines: ['no such mailbox'] },
  peer: { host: 'peer.example', ip: '192.0.2.25', port: 25 },
};
export const down: DeliveryStatus = {
  outcome: 'later',
  reply: { code: 451, enhanced: '4.4.1', lines: ['no answer'] },
  destinationDown: true,
};

export interface Delivered {
  readonly queueId: string;
  readonly nextHop: NextHop;
  readonly transaction: Transaction;
  readonly recipients: readonly Recipient[];
  readonly content: Buffer;
  readonly size: number;
}

/** A next hop that takes everything, unless `answer` says otherwise for a recipient. */
export class FakePeer implements DeliveryAgent {
  readonly deliveries: Delivered[] = [];
  answer: (recipient: Recipient, task: DeliveryTask) => DeliveryStatus | Promise<DeliveryStatus> = () => ok;

  /** Between the end of the content and the reply to it. */
  ponder: (task: DeliveryTask) => void | Promise<void> = () => undefined;

  async deliver(task: DeliveryTask, signal: AbortSignal): Promise<readonly DeliveryStatus[]> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => undefined);
    signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true });
    const answers = Promise.all(task.recipients.map(async (recipient) => this.answer(recipient, task)));
    const statuses = await Promise.race([answers, aborted.promise]);
    const taken = task.recipients.filter((_, index) => statuses[index]?.outcome === 'delivered');
    if (taken.length === 0) return statuses;
    const chunks: Uint8Array[] = [];
    for await (const chunk of task.content(signal)) chunks.push(chunk);
    await Promise.race([this.ponder(task), aborted.promise]);
    const { queueId, nextHop, transaction, size } = task;
    this.deliveries.push({
      queueId,
      nextHop,
      transaction,
      recipients: taken,
      content: Buffer.concat(chunks),
      size,
    });
    return statuses;
  }

  async close(): Promise<void> {}

  to(text: string): Delivered[] {
    return this.deliveries.filter(({ recipients }) => recipients.some((one) => one.address.text === text));
  }
}

export const copyTo = (recipient: Address, more: Partial<Copy> = {}): Copy => ({
  recipient,
  nextHop: { kind: 'mx', domain: recipient.domain },
  addHeaders: [],
  removeHeaders: [],
  purpose: 'delivery',
  ...more,
});

export const deliverTo = (...copies: Copy[]): Decision => ({
  verdict: 'deliver',
  copies,
  because: ['test: deliver'],
});

export class FakeRouting implements Routing {
  headerNames: readonly string[] = [];
  decide: (question: Question) => Decision = (question) => deliverTo(copyTo(question.recipient));
  questions: Question[] = [];

  async route(question: Question): Promise<Decision> {
    this.questions.push(question);
    return this.decide(question);
  }

  async routeAll(questions: readonly Question[]): Promise<readonly Decision[]> {
    return Promise.all(questions.map((question) => this.route(question)));
  }
}

export class MemoryBlobs implements BlobStore {
  readonly kept = new Map<string, Buffer>();
  #count = 0;

  async write(content: AsyncIterable<Uint8Array>): Promise<{ key: string; size: number }> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    this.#count += 1;
    const key = `2026010100-${createHash('sha256').update(bytes).update(String(this.#count)).digest('hex')}`;
    this.kept.set(key, bytes);
    return { key, size: bytes.length };
  }

  async *read(key: string, _signal: AbortSignal, range: { start: number; end?: number } = { start: 0 }) {
    const bytes = this.kept.get(key);
    if (!bytes) throw new BlobMissing(key);
    for (let at = range.start; at < Math.min(range.end ?? bytes.length, bytes.length); at += 16_384) {
      yield bytes.subarray(at, Math.min(at + 16_384, range.end ?? bytes.length));
    }
  }

  async *list(): AsyncGenerator<{ key: string; size: number }> {
    for (const [key, bytes] of this.kept) yield { key, size: bytes.length };
  }

  async remove(key: string): Promise<void> {
    this.kept.delete(key);
  }
}

export const client: Client = { listener: 'mx', protocol: 'smtp', ip: '192.0.2.1', mayRelay: false };
export const received =
  'Received: from there by gate.example with ESMTP id X;\r\n Wed, 25 Nov 2026 00:00:00 +0000\r\n';
export const sample =
  'From: Ada <ada@example.org>\r\nTo: all\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n';

export interface Letter {
  readonly from?: string | null;
  readonly to: readonly (string | Recipient)[];
  readonly text?: string | Buffer;
  readonly transaction?: Partial<Transaction>;
  readonly facts?: Partial<ContentFacts>;
  readonly client?: Client;
}

/** A whole installation of the queue, one or more workers on one database. */
export class Bench {
  readonly database: Database;
  readonly peer = new FakePeer();
  readonly routing = new FakeRouting();
  readonly blobs = new MemoryBlobs();
  readonly groups = new Map<string, readonly GroupMember[]>();
  readonly spool: Spool & { close(): Promise<void> };
  readonly trace: ReturnType<typeof openTrace>;
  readonly workers: Worker[] = [];
  /** The clock may be set forward. */
  ahead = 0;

  constructor(database: Database, options: Partial<SpoolOptions> = {}) {
    this.database = database;
    this.spool = openSpool({ ...this.common(), limits, ...options });
    this.trace = openTrace({ database, log: silentLog, metrics: noMetrics });
  }

  readonly now = (): Date => new Date(Date.now() + this.ahead);

  common() {
    return {
      database: this.database,
      blobs: this.blobs,
      hostname: 'gate.example',
      log: silentLog,
      metrics: noMetrics,
      now: this.now,
      random: Math.random,
    };
  }

  work(more: Partial<WorkerPolicy> = {}, options: Partial<WorkerOptions> = {}): Worker {
    const worker = startWorker({
      ...this.common(),
      routing: this.routing,
      directory: { members: (id) => this.#members(id) },
      agent: () => this.peer,
      policy: { ...policy, ...more },
      ...options,
    });
    this.workers.push(worker);
    return worker;
  }

  /** Groups that are being read now, and the most there were. */
  readonly reading = { now: 0, most: 0 };

  async *#members(id: string): AsyncGenerator<GroupMember> {
    this.reading.now += 1;
    this.reading.most = Math.max(this.reading.most, this.reading.now);
    try {
      await new Promise(setImmediate);
      yield* this.groups.get(id) ?? [];
    } finally {
      this.reading.now -= 1;
    }
  }

  incoming(letter: Letter): Incoming {
    const id = this.spool.newId();
    const body = Buffer.isBuffer(letter.text) ? letter.text : Buffer.from(letter.text ?? sample);
    const facts: ContentFacts = {
      size: body.length,
      eightBit: false,
      utf8Header: false,
      longestLine: 78,
      hops: 0,
      ownHops: 0,
      sitesSeen: [],
      messageId: '<1@example.org>',
      ...letter.facts,
    };
    return {
      id,
      envelope: {
        sender: letter.from === null ? null : address(letter.from ?? 'sender@example.org'),
        body: '8bitmime',
        smtputf8: false,
        requireTls: false,
        ...letter.transaction,
        recipients: letter.to.map((one) => (typeof one === 'string' ? { address: address(one) } : one)),
      },
      client: letter.client ?? client,
      receivedAt: this.now(),
      trace: Buffer.from(received),
      content: (async function* () {
        for (let at = 0; at < body.length; at += 16_384) yield body.subarray(at, at + 16_384);
      })(),
      finish: async () => ({ facts }),
    };
  }

  async accept(letter: Letter): Promise<string> {
    const incoming = this.incoming(letter);
    await this.spool.accept(incoming, AbortSignal.timeout(30_000));
    return incoming.id;
  }

  async story(queueId: string): Promise<TraceRow[]> {
    const rows: TraceRow[] = [];
    for await (const row of this.trace.find({ queueId }, AbortSignal.timeout(10_000))) rows.push(row);
    return rows;
  }

  async count(table: 'message' | 'recipient' | 'trace'): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(`select count(*) as count from ${table}`, []);
    return row?.count ?? -1;
  }

  async empty(): Promise<void> {
    await until(async () => (await this.count('message')) === 0, 'the spool is not empty');
  }

  /** Until nothing is claimed and nothing is due. */
  async settled(): Promise<void> {
    await until(async () => {
      const [row] = await this.database.query<{ count: number }>(
        "select count(*) as count from recipient where claimed_by is not null or (status = 'due' and due_at <= $1)",
        [this.now()],
      );
      return row?.count === 0;
    }, 'something is still due');
  }

  /** Time goes on, and the workers notice. */
  pass(milliseconds: number): void {
    this.ahead += milliseconds;
    for (const worker of this.workers) worker.wake();
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close(AbortSignal.timeout(5_000))));
    await this.spool.close();
    await this.trace.close();
  }
}

export async function until(
  check: () => boolean | Promise<boolean>,
  otherwise: string,
  limit = 20_000,
): Promise<void> {
  const end = Date.now() + limit;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(otherwise);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const sameRecipient = (a: Recipient, b: string): boolean =>
  addressKey(a.address) === addressKey(address(b));
