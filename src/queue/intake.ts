/**
 * queue/intake - from claimed recipients to deliveries under way: ask routing, split, expand, hand to next hops.
 *
 * Every recipient that comes in here leaves as a task of a next hop or as a settlement; whatever goes wrong on the
 * way, it is settled as deferred, never dropped.
 */
import { replyFor } from '../mail/condition.ts';
import { parseReply, type Reply } from '../mail/reply.ts';
import { type Because, type Copy, type Decision, type GroupExpansion, nextHopKey } from '../mail/route.ts';
import { BlobMissing, type BlobStore } from '../ports/blob-store.ts';
import { type Database, DatabaseAway } from '../ports/database.ts';
import { DirectoryUnready } from '../ports/directory.ts';
import type { Log } from '../ports/log.ts';
import type { Question, Routing } from '../ports/routing.ts';
import type { Load } from './budget.ts';
import { type ExpandOptions, type Expansion, expandGroup } from './expand.ts';
import { Gate } from './gate.ts';
import { headerFields, headerSection } from './header-fields.ts';
import type { Judging, Settlement } from './outcome.ts';
import * as outcome from './outcome.ts';
import { type PlannedCopy, planTasks, type Task } from './plan.ts';
import type { SpooledMessage, SpooledRecipient } from './rows.ts';
import { othersOf, ownCopy, splitCopies } from './split.ts';

/** Trouble of our own that passes: tried again after so many milliseconds, and no try is counted. */
const databasePause = 5_000;
const directoryPause = 30_000;

/** A claimed message in memory. */
export interface Held {
  message: SpooledMessage;
  readonly recipients: readonly SpooledRecipient[];
  readonly claimedBy: number;
  readonly load: Load;
}

export interface IntakeOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly routing: Routing;
  readonly members: ExpandOptions['members'];
  readonly mostRecipients: number;
  readonly log: Log;
  readonly now: () => Date;
  readonly judging: () => Judging;
  readonly settle: (held: Held, settlement: Settlement) => Promise<void>;
  /** More rows of a message in memory. */
  readonly extend: (held: Held, recipients: readonly SpooledRecipient[]) => void;
  /** Rows may have been made and claimed of which we know nothing. */
  readonly doubtful: () => void;
  readonly submit: (held: Held, task: Task) => void;
  /** Group members have rows. */
  readonly added: () => void;
  readonly signal: AbortSignal;
}

interface Asked {
  readonly held: Held;
  readonly recipient: SpooledRecipient;
  readonly question: Question;
}

/** Each reads members through one connection and writes recipients through another. */
const expansionsAtOnce = 2;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #expansions = new Gate(expansionsAtOnce);

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async take(batch: readonly Held[]): Promise<void> {
    const planned = new Map<Held, PlannedCopy[]>(batch.map((held) => [held, []]));
    const asked: Asked[] = [];
    for (const held of batch) {
      const questions = await this.#questions(held);
      for (const recipient of held.recipients) {
        if (recipient.bounce) this.#bounce(held, recipient, recipient.bounce);
        else if (recipient.pinned)
          plan(planned, held, { recipient, copy: recipient.pinned, because: [`${recipient.purpose} copy`] });
        else if (questions instanceof Error) this.#trouble(held, recipient, questions);
        else asked.push({ held, recipient, question: questions(recipient) });
      }
    }
    const decided = await this.#decide(asked);
    const splits = decided.filter(
      ({ decision, recipient }) => !recipient.split && othersOf(decision).length > 0,
    );
    const unsplit = await this.#split(splits, planned);
    for (const one of decided) if (!unsplit.has(one)) this.#follow(one, planned);
    for (const [held, copies] of planned) {
      for (const task of planTasks(held.message, copies, held.claimedBy, this.#options.mostRecipients)) {
        this.#options.submit(held, task);
      }
    }
  }

  /** How to ask about this message's recipients; an error where its header cannot be read now. */
  async #questions(held: Held): Promise<((recipient: SpooledRecipient) => Question) | Error> {
    const { routing, blobs, signal } = this.#options;
    const { message } = held;
    try {
      const names = routing.headerNames;
      const section = names.length > 0 ? await headerSection(message, blobs, signal) : undefined;
      const headers = section ? headerFields(section, names) : new Map<string, string[]>();
      return (recipient) => ({
        recipient: recipient.recipient.address,
        sender: message.transaction.sender,
        client: message.client,
        size: message.facts.size,
        headers,
        sitesSeen: message.facts.sitesSeen,
        expandedFrom: recipient.expandedFrom,
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** All at once; where that fails for one of them, each by itself. */
  async #decide(asked: readonly Asked[]): Promise<readonly Decided[]> {
    if (asked.length === 0) return [];
    const { routing, signal } = this.#options;
    try {
      const decisions = await routing.routeAll(
        asked.map(({ question }) => question),
        signal,
      );
      if (decisions.length !== asked.length) throw new Error('routing did not answer every question');
      return asked.map((one, index) => ({ ...one, decision: decisions[index] as Decision }));
    } catch (error) {
      const away = error instanceof DirectoryUnready || error instanceof DatabaseAway || signal.aborted;
      if (away || asked.length === 1) {
        for (const { held, recipient } of asked) this.#trouble(held, recipient, error);
        return [];
      }
      const decided: Decided[] = [];
      for (const one of asked) decided.push(...(await this.#decide([one])));
      return decided;
    }
  }

  /** Gives those that could not be split now; they are deferred. */
  async #split(splits: readonly Decided[], planned: Map<Held, PlannedCopy[]>): Promise<ReadonlySet<Decided>> {
    const { database, now, doubtful } = this.#options;
    const unsplit = new Set<Decided>();
    for (const [claimedBy, group] of Map.groupBy(splits, ({ held }) => held.claimedBy)) {
      const splittings = group.map(({ held, recipient, decision }) => ({
        message: held.message,
        recipient,
        copies: othersOf(decision),
      }));
      try {
        const made = await splitCopies(database, claimedBy, splittings, now());
        group.forEach(({ held, decision }, index) => {
          const rows = made[index] ?? [];
          this.#options.extend(held, rows);
          held.message = { ...held.message, recipients: held.message.recipients + rows.length };
          for (const row of rows) {
            if (row.pinned)
              plan(planned, held, { recipient: row, copy: row.pinned, because: decision.because });
          }
        });
      } catch (error) {
        doubtful();
        for (const one of group) {
          this.#trouble(one.held, one.recipient, error);
          unsplit.add(one);
        }
      }
    }
    return unsplit;
  }

  #follow({ held, recipient, decision }: Decided, planned: Map<Held, PlannedCopy[]>): void {
    const { because } = decision;
    const subject = { message: held.message, recipient, claimedBy: held.claimedBy };
    const judging = this.#options.judging();
    switch (decision.verdict) {
      case 'deliver': {
        const { own } = ownCopy(decision.copies);
        if (own) plan(planned, held, { recipient, copy: own, because });
        else if (decision.copies.length === 0) {
          this.#trouble(held, recipient, new Error('routing gave no copy to deliver'), because);
        } else this.#onlyOthers(held, recipient, decision.copies, because);
        return;
      }
      case 'expand':
        void this.#expand(held, recipient, decision.group, because);
        return;
      case 'refuse':
        this.#settle(held, outcome.failed(subject, { reply: decision.reply, because }, judging));
        return;
      case 'defer':
        this.#settle(held, outcome.deferred(subject, { reply: decision.reply, because }, judging));
        return;
      case 'hold':
        this.#settle(held, outcome.held(subject, decision.reason, because, judging));
    }
  }

  /** Nothing but copies for others: the recipient's own delivery is none (a rule's redirect to a journal, say). */
  #onlyOthers(held: Held, recipient: SpooledRecipient, copies: readonly Copy[], because: Because): void {
    const reply: Reply = { code: 250, enhanced: '2.0.0', lines: ['Only additional copies were asked for'] };
    const judging = this.#options.judging();
    const subject = { message: held.message, recipient, claimedBy: held.claimedBy };
    const nextHop = copies[0] ? nextHopKey(copies[0].nextHop) : '';
    const address = recipient.recipient.address;
    const attempt = { nextHop, address, because, durationMs: 0 };
    this.#settle(held, outcome.concludeAttempt(subject, attempt, { outcome: 'delivered', reply }, judging));
  }

  async #expand(
    held: Held,
    recipient: SpooledRecipient,
    group: GroupExpansion,
    because: Because,
  ): Promise<void> {
    const { database, members, now, signal, added } = this.#options;
    try {
      const expansion = await this.#expansions.run(() =>
        expandGroup({ database, members, now }, held.message, recipient, group, signal),
      );
      this.#settle(held, this.#expanded(held, recipient, group, expansion, because));
      if (expansion.added > 0) added();
    } catch (error) {
      this.#trouble(held, recipient, error, because);
    }
  }

  #expanded(
    held: Held,
    recipient: SpooledRecipient,
    group: GroupExpansion,
    expansion: Expansion,
    because: Because,
  ): Settlement {
    const subject = {
      message: { ...held.message, recipients: held.message.recipients + expansion.added },
      recipient,
      claimedBy: held.claimedBy,
    };
    const judging = this.#options.judging();
    if (expansion.members === 0 && expansion.unusable > 0) {
      const reply = replyFor('never', 'groupTrouble', 'Nobody in the group can be reached');
      return outcome.failed(subject, { reply, because }, judging);
    }
    return outcome.expanded(subject, { because, detail: { group: group.id, ...expansion } }, judging);
  }

  #bounce(held: Held, recipient: SpooledRecipient, bounce: { by: string; reason?: string }): void {
    const reply: Reply = (bounce.reason === undefined ? undefined : parseReply(bounce.reason)) ?? {
      code: 554,
      enhanced: '5.7.1',
      lines: [bounce.reason ?? 'Returned by the administrators of the mail system'],
    };
    const subject = { message: held.message, recipient, claimedBy: held.claimedBy };
    const because = [`operator ${bounce.by}: returned to the sender`];
    this.#settle(held, outcome.failed(subject, { reply, because }, this.#options.judging()));
  }

  /** It cannot be decided now. */
  #trouble(held: Held, recipient: SpooledRecipient, error: unknown, because: Because = []): void {
    const { log, signal } = this.#options;
    const subject = { message: held.message, recipient, claimedBy: held.claimedBy };
    if (signal.aborted) {
      this.#settle(held, outcome.givenBack(subject, recipient.nextHop));
      return;
    }
    const judging = this.#options.judging();
    log.warn({ err: error, queueId: held.message.id }, 'a recipient cannot be routed now');
    if (error instanceof BlobMissing) {
      const reason = 'the content is missing from the blob store';
      this.#settle(held, outcome.held(subject, reason, because, judging));
      return;
    }
    const reply = replyFor('later', error instanceof DirectoryUnready ? 'directoryTrouble' : 'localError');
    const passing =
      error instanceof DatabaseAway
        ? databasePause
        : error instanceof DirectoryUnready
          ? directoryPause
          : undefined;
    const trouble = { reply, because, ...(passing === undefined ? {} : { pause: passing }) };
    this.#settle(held, outcome.deferred(subject, trouble, judging));
  }

  #settle(held: Held, settlement: Settlement): void {
    void this.#options.settle(held, settlement);
  }
}

interface Decided extends Asked {
  readonly decision: Decision;
}

const plan = (planned: Map<Held, PlannedCopy[]>, held: Held, copy: PlannedCopy): void => {
  planned.get(held)?.push(copy);
};
