/**
 * deliver/agent - the SMTP and LMTP delivery agent.
 *
 * One attempt: the next hop's hosts in order, each host's addresses in order, until every recipient has an answer.
 * A peer's word on a recipient (yes, later or never) is final for this attempt. Where a conversation fails before
 * that, the next address is asked for those still open; when none is left, they get the status of the last failure.
 * A kept connection that turns out to be dead before anything was said is replaced by a fresh one, silently.
 */
import type { DeliveryStatus } from '../mail/delivery.ts';
import { nextHopKey } from '../mail/route.ts';
import type { DeliveryAgent, DeliveryTask } from '../ports/delivery-agent.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Resolver } from '../ports/resolver.ts';
import { Attempt } from './attempt.ts';
import type { Connection, Target } from './connection.ts';
import { ourStatus, PeerFault, statusOfFault, statusOfReply } from './fault.ts';
import { fitnessOf, isFit } from './fitness.ts';
import { hostsOf, isStatus, type Surroundings } from './hosts.ts';
import type { DeliveryOptions, Site } from './options.ts';
import { Pool } from './pool.ts';
import { Avoided, targetsOf } from './targets.ts';
import { transact } from './transaction.ts';

export interface SmtpAgentParts {
  readonly resolver: Resolver;
  /** Asked at each attempt, so that a reload is seen; unchanged sites stay the same objects, or lose their kept connections. */
  readonly sites: () => ReadonlyMap<string, Site>;
  /** Said at EHLO, and looked for among mail exchangers. */
  readonly hostname: string;
  readonly delivery: DeliveryOptions;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  /** From 0 to below 1. */
  readonly random: () => number;
}

interface Tools {
  readonly around: Surroundings;
  readonly pool: Pool;
  readonly avoided: Avoided;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function makeSmtpAgent(parts: SmtpAgentParts): DeliveryAgent {
  const now = (): number => parts.now().getTime();
  const tools: Tools = {
    around: parts,
    pool: new Pool(parts, parts.log, now),
    avoided: new Avoided(now, parts.delivery.avoidFor),
    log: parts.log,
    metrics: parts.metrics,
  };
  let closing = false;
  return {
    async deliver(task, signal) {
      signal.throwIfAborted();
      if (closing) return task.recipients.map(() => ourStatus('later', 'shuttingDown'));
      using attempt = new Attempt(signal, parts.delivery.timeLimits.attempt);
      return await new Delivery(task, attempt, tools).run(signal);
    },
    async close(signal) {
      closing = true;
      await tools.pool.close(signal);
    },
  };
}

class Delivery {
  readonly #task: DeliveryTask;
  readonly #attempt: Attempt;
  readonly #tools: Tools;
  readonly #statuses: (DeliveryStatus | undefined)[];
  /** For those who get no answer of their own; a `later` is never replaced by a `failed`. */
  #fallback: DeliveryStatus | undefined;
  #tried = 0;

  constructor(task: DeliveryTask, attempt: Attempt, tools: Tools) {
    this.#task = task;
    this.#attempt = attempt;
    this.#tools = tools;
    this.#statuses = new Array<DeliveryStatus | undefined>(task.recipients.length).fill(undefined);
  }

  async run(outer: AbortSignal): Promise<readonly DeliveryStatus[]> {
    try {
      await this.#hosts();
    } catch (error) {
      // Somebody already has an answer: throwing would have it sent twice.
      if (!this.#attempt.cut && this.#untouched) throw error;
      if (!this.#attempt.cut) {
        this.#tools.log.error({ queueId: this.#task.queueId, error }, 'delivery broke off');
        this.#note(ourStatus('later', 'localError'));
      }
    }
    if (this.#attempt.cut === 'aborted' && this.#open.length > 0) {
      if (this.#untouched) throw outer.reason;
      this.#fallback = ourStatus('later', 'shuttingDown', 'The delivery was stopped');
    }
    const last = this.#fallback ?? ourStatus('later', 'expired', 'The attempt took too long');
    return this.#statuses.map((status) => status ?? last);
  }

  async #hosts(): Promise<void> {
    const { nextHop, transaction } = this.#task;
    const { around, avoided } = this.#tools;
    if (nextHop.kind === 'mx' && transaction.requireTls && !around.delivery.mx.requireTlsByPlainDns) {
      // RFC 8689 §4.2.1: an MX record must be proved by DNSSEC or MTA-STS; we have neither.
      const text = 'REQUIRETLS: the mail exchangers cannot be verified (no DNSSEC, no MTA-STS)';
      this.#note(ourStatus('failed', 'requireTlsFailed', text));
      return;
    }
    const hosts = await hostsOf(nextHop, around, this.#attempt.signal);
    if (isStatus(hosts)) {
      this.#noteLookup(hosts);
      return;
    }
    const last: Target[] = [];
    for (const host of hosts) {
      const targets = await targetsOf(host, around, this.#attempt.signal);
      if (isStatus(targets)) {
        this.#noteLookup(targets);
        continue;
      }
      for (const target of targets) {
        if (avoided.has(target)) last.push(target);
        else if (!(await this.#address(target))) return;
      }
    }
    for (const target of last) if (!(await this.#address(target))) return;
  }

  /** One address. Whether another one may be tried. */
  async #address(target: Target): Promise<boolean> {
    this.#tried += 1;
    const kept = this.#tools.pool.take(target);
    const again = kept !== undefined && (await this.#converse(kept, true));
    if (kept === undefined || again) {
      const fresh = await this.#connect(target);
      if (fresh) await this.#converse(fresh, false);
    }
    return this.#open.length > 0 && !this.#attempt.cut && this.#tried < this.#tools.around.delivery.maxHosts;
  }

  async #connect(target: Target): Promise<Connection | undefined> {
    const { pool, avoided, log, metrics } = this.#tools;
    try {
      const connection = await pool.open(target, this.#attempt);
      avoided.clear(target);
      return connection;
    } catch (error) {
      if (!(error instanceof PeerFault)) throw error;
      if (error.kind !== 'cut') avoided.add(target);
      const { host, ip, port } = target;
      const facts = { nextHop: nextHopKey(this.#task.nextHop), host, ip, port, reply: error.reply };
      const { kind } = this.#task.nextHop;
      if (kind === 'site' && needsSomebody(error)) {
        // Mail to a site stands still until somebody looks at certificates, credentials or where it leads.
        log.warn(facts, `no delivery: ${error.message}`);
        metrics.count('isthmus_alarms_total', { kind: `delivery ${error.kind}` });
      } else log.debug(facts, `no connection: ${error.message}`);
      this.#note(statusOfFault(error, { host, ip, port }, kind));
      return undefined;
    }
  }

  /** As many transactions as it takes. Whether a kept connection was dead, and a fresh one may do. */
  async #converse(connection: Connection, kept: boolean): Promise<boolean> {
    const { pool, around } = this.#tools;
    const { maxRecipients } = around.delivery;
    const limit = Math.min(maxRecipients, connection.offered.maxRecipients ?? maxRecipients);
    this.#attempt.hold(connection.wire);
    try {
      for (let first = true; this.#open.length > 0; first = false) {
        const end = await this.#transaction(connection, this.#open.slice(0, limit), kept && first);
        if (end !== 'go on') return end === 'stale';
      }
      return false;
    } finally {
      this.#attempt.release();
      pool.give(connection);
    }
  }

  /** go on: the connection can be used again. stale: it was dead already. over: it can do no more for this message. */
  async #transaction(
    connection: Connection,
    indexes: readonly number[],
    mayBeStale: boolean,
  ): Promise<'go on' | 'stale' | 'over'> {
    const recipients = indexes.flatMap((index) => this.#task.recipients[index] ?? []);
    const fitness = fitnessOf(this.#task, recipients, connection);
    if (!isFit(fitness)) {
      this.#note(fitness);
      return 'over';
    }
    const { timeLimits } = this.#tools.around.delivery;
    const { signal } = this.#attempt;
    const outcome = await transact(this.#task, recipients, fitness, connection, timeLimits, signal);
    let answered = false;
    outcome.answers.forEach((answer, at) => {
      const index = indexes[at];
      if (index === undefined || answer === undefined || answer === 'next') return;
      this.#statuses[index] = answer;
      answered = true;
    });
    if (outcome.fault) {
      if (mayBeStale && outcome.silent && !this.#attempt.cut) return 'stale';
      if (this.#open.length > 0) this.#note(statusOfFault(outcome.fault, connection.peer));
      return 'over';
    }
    if (outcome.notNow) this.#note(statusOfReply(outcome.notNow, connection.peer));
    return answered ? 'go on' : 'over';
  }

  get #open(): readonly number[] {
    return this.#statuses.flatMap((status, index) => (status === undefined ? [index] : []));
  }

  get #untouched(): boolean {
    return this.#statuses.every((status) => status === undefined);
  }

  #note(status: DeliveryStatus): void {
    if (status.outcome === 'later' || this.#fallback?.outcome !== 'later') this.#fallback = status;
  }

  /** A site is the operator's: where DNS denies it, the configuration is wrong, and mail waits until it is right. */
  #noteLookup(status: DeliveryStatus): void {
    const site = this.#task.nextHop.kind === 'site';
    if (!site || status.outcome === 'later') this.#note(status);
    else {
      const text = status.reply.lines.join(' ');
      this.#note({ ...ourStatus('later', 'noRoute', text), destinationDown: true });
    }
  }
}

/** Does not pass by itself. 521: the host says that it never takes mail (RFC 7504 §3). */
const needsSomebody = ({ kind, reply }: PeerFault): boolean =>
  kind === 'tls' || kind === 'login' || reply?.code === 521;
