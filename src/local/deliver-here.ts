/**
 * local/deliver-here - the local agent: mail for mailboxes here is filtered by its owner's script and stored.
 *
 *   stage once --> whose --> for each account: filter --> plan --> carry out --> a status
 *
 * `delivered` is said only when the copies are committed and what the script sends is in the spool; see local/carry-out
 * for the order and for what a crash can do. Recipients of one account are delivered one after the other, accounts side
 * by side.
 */
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { DeliveryAgent, DeliveryTask } from '../ports/delivery-agent.ts';
import { MailboxGone } from '../ports/messages.ts';
import { carryOut } from './carry-out.ts';
import { CompiledScripts } from './compiled.ts';
import { type Filtering, type FilterParts, filter } from './filter.ts';
import { Folders } from './folders.ts';
import { type Arriving, ContentFault, type InHand, takeInHand } from './in-hand.ts';
import type { LocalOptions } from './options.ts';
import { type Plan, plainPlan, planOf } from './plan.ts';
import { knownTrouble, statusOf, stopped, unknownTrouble } from './status.ts';
import { atOnce, Turns } from './turns.ts';
import { isReply, type Owner, Untold, whose } from './whose.ts';

export interface Local extends DeliveryAgent {
  /** Stages the message. Throws ContentFault, and what Staging throws. */
  take(arriving: Arriving, signal: AbortSignal): Promise<InHand>;
  /** One status for each recipient, in order. Rejects only when `signal` aborts before any is known. */
  toAccounts(
    message: InHand,
    recipients: readonly Recipient[],
    whileConnected: boolean,
    signal: AbortSignal,
  ): Promise<readonly DeliveryStatus[]>;
}

export function openLocal(options: LocalOptions): Local {
  const { compiledLimit, bodiesAtOnce } = options.policy();
  return new LocalAgent(options, {
    options,
    compiled: new CompiledScripts(compiledLimit),
    bodies: new Turns(bodiesAtOnce),
  });
}

class LocalAgent implements Local {
  readonly #options: LocalOptions;
  readonly #parts: FilterParts;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing = false;

  constructor(options: LocalOptions, parts: FilterParts) {
    this.#options = options;
    this.#parts = parts;
  }

  async deliver(task: DeliveryTask, signal: AbortSignal): Promise<readonly DeliveryStatus[]> {
    signal.throwIfAborted();
    if (this.#closing) return task.recipients.map(() => stopped);
    return await this.#whileOpen(async () => {
      let message: InHand;
      try {
        message = await this.take(task, signal);
      } catch (error) {
        if (error instanceof ContentFault) throw error.cause;
        if (signal.aborted) throw signal.reason;
        const status = this.#trouble(error, { queueId: task.queueId });
        return task.recipients.map(() => status);
      }
      return await this.toAccounts(message, task.recipients, false, signal);
    });
  }

  async take(arriving: Arriving, signal: AbortSignal): Promise<InHand> {
    const { writing, reading, policy } = this.#options;
    return await takeInHand(arriving, { staging: writing, reading, policy: policy() }, signal);
  }

  async toAccounts(
    message: InHand,
    recipients: readonly Recipient[],
    whileConnected: boolean,
    signal: AbortSignal,
  ): Promise<readonly DeliveryStatus[]> {
    const { queueId } = message;
    const statuses: DeliveryStatus[] = recipients.map(() => stopped);
    let known = false;
    const owners = await this.#owners(recipients, queueId, signal);
    const groups = Map.groupBy(recipients.keys(), (at) => accountOf(owners[at]) ?? `none ${at}`);
    await atOnce([...groups.values()], this.#options.policy().recipientsAtOnce, async (group) => {
      const placed = new Set<string>();
      for (const at of group) {
        const owner = owners[at];
        const recipient = recipients[at];
        if (owner === undefined || recipient === undefined || signal.aborted) continue;
        const status = isStatus(owner)
          ? owner
          : await this.#one({ message, recipient, owner }, placed, whileConnected, signal);
        if (status === undefined) continue;
        statuses[at] = status;
        known = true;
      }
    });
    if (!known && signal.aborted) throw signal.reason;
    return statuses;
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    const over = Promise.allSettled(this.#underWay);
    if (signal.aborted) return;
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const onabort = () => resolve();
    signal.addEventListener('abort', onabort, { once: true });
    await Promise.race([over, aborted]);
    signal.removeEventListener('abort', onabort);
  }

  /** A status where there is no account, or nobody can tell. */
  async #owners(
    recipients: readonly Recipient[],
    queueId: string,
    signal: AbortSignal,
  ): Promise<readonly (Owner | DeliveryStatus)[]> {
    try {
      const answers = await whose(recipients, this.#options, signal);
      return answers.map((answer) => {
        if (isReply(answer)) return statusOf(answer);
        return answer instanceof Untold ? this.#trouble(answer.cause, { queueId }) : answer;
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const status = this.#trouble(error, { queueId });
      return recipients.map(() => status);
    }
  }

  /** undefined: stopped before there was an outcome. */
  async #one(
    { message, recipient, owner }: Omit<Filtering, 'folders'>,
    placed: Set<string>,
    whileConnected: boolean,
    signal: AbortSignal,
  ): Promise<DeliveryStatus | undefined> {
    const options = this.#options;
    const folders = new Folders(owner.account.id, options.mailboxes);
    const filtering: Filtering = { message, recipient, owner, folders };
    const facts = { queueId: message.queueId, account: owner.account.name };
    const done = async (plan: Plan) => {
      const status = await carryOut(plan, { filtering, options, whileConnected, placed, signal });
      this.#tell(filtering, plan.because, status);
      return status;
    };
    try {
      folders.expectInbox();
      const outcome = await filter(filtering, this.#parts, signal);
      const plan = () => planOf(outcome, filtering, options.policy(), options.log);
      const before = placed.size;
      try {
        return await done(await plan());
      } catch (error) {
        if (placed.size > before || outcome === undefined) throw error;
        folders.forget();
        // A mailbox went away between the decision and the commit; nothing was stored yet.
        if (error instanceof MailboxGone) return await done(await plan());
        if (knownTrouble(error, options.policy()) !== undefined || signal.aborted) throw error;
        options.log.error(
          { ...facts, err: error },
          'what a script decided cannot be done: the message is kept',
        );
        return await done(await plainPlan(filtering));
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      return this.#trouble(error, facts);
    }
  }

  #tell(
    { message, recipient, owner }: Filtering,
    because: readonly string[],
    { reply }: DeliveryStatus,
  ): void {
    const { log, trace, now } = this.#options;
    const { queueId } = message;
    const to = recipient.address.text;
    log.debug({ queueId, recipient: to, account: owner.account.name, because, reply }, 'delivered here');
    if (because.length === 0) return;
    const detail = { account: owner.account.name, agent: 'local' };
    trace?.record({ at: now(), event: 'decided', queueId, recipient: to, because, detail });
  }

  #trouble(error: unknown, facts: object): DeliveryStatus {
    const { log, policy } = this.#options;
    const known = knownTrouble(error, policy());
    if (known === undefined) log.error({ ...facts, err: error }, 'delivery here broke off');
    else log.warn({ ...facts, err: error, reply: known.reply }, 'not delivered here');
    return known ?? unknownTrouble;
  }

  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    const working = work();
    this.#underWay.add(working);
    try {
      return await working;
    } finally {
      this.#underWay.delete(working);
    }
  }
}

const isStatus = (answer: Owner | DeliveryStatus): answer is DeliveryStatus => 'outcome' in answer;

const accountOf = (answer: Owner | DeliveryStatus | undefined): string | undefined =>
  answer === undefined || isStatus(answer) ? undefined : `account ${answer.account.id}`;
