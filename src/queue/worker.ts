/**
 * queue/worker - takes what is due, has it delivered, writes down how it ended; for as long as it lives.
 *
 *   claims ----------> intake ---> next hops ---> attempt ---> settle
 *   near spool (take) --^   |                                    ^
 *                           +------- refused, held, deferred ----+
 *
 * In hand at any time: so many recipients and octets as its budget permits. It wakes when somebody says that there is
 * something (notice, near spool, operator), when there is room again, and once a second.
 *
 * close() starts nothing more, lets deliveries under way end until its signal aborts, and frees what is left.
 */
import { replyFor } from '../mail/condition.ts';
import type { NextHop } from '../mail/route.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { DeliveryAgent } from '../ports/delivery-agent.ts';
import type { Directory } from '../ports/directory.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Routing } from '../ports/routing.ts';
import type { QueueId } from '../ports/spool.ts';
import { attempt, subjectOf } from './attempt.ts';
import { Batches } from './batches.ts';
import { Budget, type BudgetLimits } from './budget.ts';
import type { Claims } from './claims.ts';
import { type Held, Intake } from './intake.ts';
import { claimKey, Leaks } from './leaks.ts';
import { joinWorkers, type Membership } from './liveness.ts';
import { claimAtOnce, Lookout } from './lookout.ts';
import { type Concurrency, type Finish, NextHops } from './next-hops.ts';
import { Notifier, retryNow, spoolChannel } from './notifier.ts';
import type { Settlement } from './outcome.ts';
import * as outcome from './outcome.ts';
import type { Task } from './plan.ts';
import { queueIds } from './queue-id.ts';
import { type ReportPolicy, Reports } from './reports.ts';
import { memoryOf, type RecipientRow, type SpooledMessage, type SpooledRecipient } from './rows.ts';
import { Settler } from './settle.ts';

export interface WorkerPolicy extends outcome.OutcomePolicy {
  readonly concurrency: Concurrency;
  /** What one worker has in hand at once. */
  readonly inHand: BudgetLimits;
  /** Recipients in one transaction with a next hop. */
  readonly recipientsPerTransaction: number;
  readonly reports: ReportPolicy;
  /** Milliseconds until an undeliverable report is given up. */
  readonly reportLifetime: number;
}

export interface WorkerOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly routing: Routing;
  readonly directory: Pick<Directory, 'members'>;
  readonly agent: (hop: NextHop) => DeliveryAgent;
  readonly hostname: string;
  readonly policy: WorkerPolicy;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  readonly random: () => number;
}

/** What a spool in the same process hands over: committed, and claimed by this worker. */
export interface HandedOver {
  readonly claimedBy: number;
  readonly message: SpooledMessage;
  readonly recipients: readonly SpooledRecipient[];
}

const listenAgain = 1_000;

interface HeldTask extends Task {
  readonly held: Held;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #budget: Budget;
  readonly #settler: Settler;
  readonly #intake: Batches<Held, void>;
  readonly #hops: NextHops<HeldTask>;
  readonly #membership: Membership;
  readonly #reportNotifier: Notifier;
  /** Aborts what is under way when close() has no more patience. */
  readonly #cut = new AbortController();
  readonly #lookout: Lookout;
  /** Keys of all claims that are somewhere between #enter and #settle. */
  readonly #inHand = new Set<string>();
  /** What a near spool is about to hand over. */
  readonly #expected = new Set<QueueId>();
  readonly #leaks: Leaks;
  readonly #overflowed = new Set<string>();
  #listener: AsyncDisposable | undefined;
  #closed = false;

  constructor(options: WorkerOptions) {
    const { database, blobs, log, metrics, now, random, policy, hostname } = options;
    this.#options = options;
    this.#budget = new Budget(policy.inHand);
    this.#reportNotifier = new Notifier(database);
    const newId = queueIds(now, random);
    this.#settler = new Settler({
      database,
      log,
      reports: new Reports({
        hostname,
        policy: policy.reports,
        lifetime: policy.reportLifetime,
        blobs,
        newId,
        now,
        random,
        log,
        metrics,
      }),
      reported: () => {
        this.#lookout.wake();
        this.#reportNotifier.notify();
      },
    });
    this.#hops = new NextHops<HeldTask>({
      concurrency: policy.concurrency,
      inHandLimit: policy.inHand.recipients / 3,
      unprovenLimit: policy.inHand.recipients / 2,
      run: (task) => this.#attempt(task),
      stall: (tasks) => {
        for (const task of tasks) this.#stall(task);
      },
      revived: (key) => {
        this.#lookout.revive(key);
      },
      now,
      random,
    });
    this.#leaks = new Leaks(database, this.#inHand, this.#expected);
    this.#lookout = new Lookout({
      database,
      budget: this.#budget,
      worker: () => this.#membership.id,
      hops: this.#hops,
      perHop: policy.concurrency.max * 2,
      admit: (rows, claims, id) => this.#admit(rows, claims, id),
      leaks: this.#leaks,
      log,
      now,
    });
    const intake = this.#makeIntake();
    this.#intake = new Batches<Held, void>({
      parallel: 4,
      maxItems: claimAtOnce,
      run: async (batch) => {
        await intake.take(batch);
        return [];
      },
    });
    this.#membership = joinWorkers({
      database,
      node: hostname,
      log,
      doubted: () => this.#hops.pause(),
      joined: () => {
        if (this.#closed) return;
        this.#leaks.suspect();
        this.#hops.resume();
        this.#lookout.wakeForWaiting();
      },
      forgotten: (id) => this.#forget(id),
      freed: () => this.#lookout.wakeForWaiting(),
    });
    void this.#listen();
    this.#lookout.wake();
  }

  /** Somebody knows that there is something due. */
  wake(): void {
    this.#lookout.wakeForWaiting();
  }

  /** For a spool in this process: see NearWorker. */
  reserve(message: QueueId, recipients: number, bytes: number): number | undefined {
    if (this.#closed || !this.#budget.fits(recipients, bytes)) return undefined;
    const { id } = this.#membership;
    if (id === undefined) return undefined;
    this.#budget.take(recipients, bytes);
    this.#expected.add(message);
    return id;
  }

  release(message: QueueId, recipients: number, bytes: number): void {
    this.#expected.delete(message);
    this.#leaks.suspect();
    this.#budget.drop({ recipients, bytes });
  }

  take({ claimedBy, message, recipients }: HandedOver): void {
    const load = { recipients: recipients.length, bytes: memoryOf(message) };
    const held: Held = { message, recipients, claimedBy, load };
    if (this.#closed || !this.#membership.owns(claimedBy)) {
      for (const one of recipients) void this.#giveBack(held, one);
    } else {
      this.#enter(held);
    }
    this.#expected.delete(message.id);
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    const cut = (): void => this.#cut.abort(new Error('the queue is closing'));
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
    this.#reportNotifier.close();
    await this.#listener?.[Symbol.asyncDispose]();
    await this.#lookout.close();
    for (const task of this.#hops.stop()) {
      for (const copy of task.copies) void this.#giveBack(task.held, copy.recipient, task.key);
    }
    await this.#intake.idle();
    await this.#hops.idle();
    await this.#settler.close(signal);
    await this.#membership.close();
    signal.removeEventListener('abort', cut);
  }

  /** Tried again for as long as the worker lives: without it, the look once a second does. */
  async #listen(): Promise<void> {
    try {
      const listener = await this.#options.database.listen(spoolChannel, (payload) => {
        if (payload === retryNow) this.#hops.tryAll();
        if (payload === '') this.#lookout.wake();
        else this.#lookout.wakeForWaiting();
      });
      if (this.#closed) await listener[Symbol.asyncDispose]();
      else this.#listener = listener;
    } catch (error) {
      this.#options.log.debug({ err: error }, 'cannot listen for new messages yet');
      if (!this.#closed) setTimeout(() => void this.#listen(), listenAgain).unref();
    }
  }

  async #admit(rows: readonly RecipientRow[], claims: Claims, worker: number): Promise<void> {
    if (rows.length === 0) return;
    for (const { message, recipients } of await claims.load(rows)) {
      const load = this.#budget.take(recipients.length, memoryOf(message));
      this.#enter({ message, recipients, claimedBy: worker, load });
    }
  }

  #enter(held: Held): void {
    this.#note(held, held.recipients);
    this.#intake.add(held).catch((error) => {
      this.#options.log.error({ err: error, queueId: held.message.id }, 'a message cannot be taken in hand');
      for (const { slot } of held.recipients) this.#inHand.delete(claimKey(held.message.id, slot));
      this.#budget.drop(held.load);
      this.#leaks.suspect();
    });
  }

  #note({ message }: Held, recipients: readonly SpooledRecipient[]): void {
    for (const { slot } of recipients) this.#inHand.add(claimKey(message.id, slot));
  }

  #makeIntake(): Intake {
    const { database, blobs, routing, directory, policy, log, now } = this.#options;
    return new Intake({
      database,
      blobs,
      routing,
      members: (id, signal) => directory.members(id, signal),
      mostRecipients: policy.recipientsPerTransaction,
      log,
      now,
      judging: () => this.#judging(),
      settle: (held, settlement) => this.#settle(held, settlement),
      extend: (held, recipients) => {
        this.#note(held, recipients);
        this.#budget.extend(held.load, recipients.length);
      },
      doubtful: () => this.#leaks.suspect(),
      submit: (held, task) => this.#submit({ ...task, held }),
      added: () => this.#lookout.wake(),
      signal: this.#cut.signal,
    });
  }

  #submit(task: HeldTask): void {
    const stopped = this.#closed || !this.#membership.owns(task.claimedBy);
    const answer = stopped ? 'full' : this.#hops.submit(task);
    if (answer === 'taken') return;
    if (answer === 'down') {
      this.#stall(task);
      return;
    }
    this.#overflowed.add(task.key);
    for (const copy of task.copies) void this.#giveBack(task.held, copy.recipient, task.key);
  }

  async #attempt(task: HeldTask): Promise<Finish> {
    const { blobs, agent, log, metrics } = this.#options;
    const judging = () => this.#judging();
    const isSure = () => this.#membership.id === task.claimedBy;
    const options = { blobs, agent, log, metrics, judging, isSure };
    const stops = { lost: this.#membership.lost, cut: this.#cut.signal };
    const { settlements, finish } = await attempt(task, options, stops);
    for (const settlement of settlements) void this.#settle(task.held, settlement);
    if (this.#overflowed.has(task.key) && !this.#hops.isFull(task.key)) {
      this.#overflowed.delete(task.key);
      this.#lookout.wakeForWaiting();
    }
    return finish;
  }

  /** The destination is down: later, without an attempt. */
  #stall(task: HeldTask): void {
    const reply = replyFor('later', 'noAnswer', 'The destination does not answer at present');
    for (const planned of task.copies) {
      const { because } = planned;
      const trouble = { reply, because, nextHop: task.key, destinationDown: true };
      void this.#settle(task.held, outcome.deferred(subjectOf(task, planned), trouble, this.#judging()));
    }
  }

  #giveBack(held: Held, recipient: SpooledRecipient, nextHop = recipient.nextHop): Promise<void> {
    const { message, claimedBy } = held;
    return this.#settle(held, outcome.givenBack({ message, recipient, claimedBy }, nextHop));
  }

  async #settle(held: Held, settlement: Settlement): Promise<void> {
    try {
      await this.#settler.settle(settlement);
      this.#inHand.delete(claimKey(settlement.message.id, settlement.slot));
    } catch (error) {
      this.#options.log.error(
        { err: error, queueId: held.message.id },
        'an outcome was lost: the database stayed away',
      );
    } finally {
      this.#budget.release(held.load);
      this.#lookout.settled();
    }
  }

  /** What waits under an id that is no longer ours is somebody else's now. */
  #forget(id: number): void {
    const waiting = this.#hops.forgetWaiting();
    this.#options.log.warn({ worker: id, tasks: waiting.length }, 'forgot what was claimed and not started');
    for (const { held, copies } of waiting) {
      for (const { recipient } of copies) {
        this.#inHand.delete(claimKey(held.message.id, recipient.slot));
        this.#budget.release(held.load);
      }
    }
  }

  #judging(): outcome.Judging {
    return { policy: this.#options.policy, now: this.#options.now(), random: this.#options.random };
  }
}

export const startWorker = (options: WorkerOptions): Worker => new Worker(options);
