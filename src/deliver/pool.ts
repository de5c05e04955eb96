/**
 * deliver/pool - connections kept for the next message, and a bound on all of them.
 *
 * A connection is lent to one attempt at a time. Given back whole, it waits for another message to the same target
 * for a while; the newest is lent first. At the bound the longest idle connection makes room; where all are in use,
 * attempts wait in line. Closing is polite: QUIT, and a short wait for the answer, in the background.
 */
import type { Log } from '../ports/log.ts';
import type { Attempt } from './attempt.ts';
import { type Caller, type Connection, openConnection, type Target } from './connection.ts';
import { PeerFault } from './fault.ts';

interface Idle {
  readonly connection: Connection;
  readonly since: number;
}

export class Pool {
  readonly #caller: Caller;
  readonly #log: Log;
  readonly #now: () => number;
  /** By target key, the longest idle first. */
  readonly #idle = new Map<string, Idle[]>();
  readonly #lent = new Set<Connection>();
  /** Connections in any state, from before connect until after close. */
  #count = 0;
  #line: (() => void)[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(caller: Caller, log: Log, now: () => number) {
    this.#caller = caller;
    this.#log = log;
    this.#now = now;
  }

  /** A kept connection to the target that still looks alive. */
  take(target: Target): Connection | undefined {
    const kept = this.#idle.get(target.key);
    if (kept === undefined) return undefined;
    let found: Connection | undefined;
    while (found === undefined) {
      const newest = kept.pop();
      if (newest === undefined) break;
      if (newest.connection.target.settings === target.settings && this.#fresh(newest))
        found = newest.connection;
      else this.#dismiss(newest.connection);
    }
    if (kept.length === 0) this.#idle.delete(target.key);
    if (found) this.#lent.add(found);
    return found;
  }

  /** A new connection. Rejects with PeerFault. */
  async open(target: Target, attempt: Attempt): Promise<Connection> {
    await this.#room(attempt.signal);
    try {
      const connection = await openConnection(target, this.#caller, attempt, this.#now());
      this.#lent.add(connection);
      this.#log.debug({ peer: connection.peer }, 'connected');
      return connection;
    } catch (error) {
      this.#gone();
      throw error;
    }
  }

  /** Back from an attempt: kept where it can serve again. */
  give(connection: Connection): void {
    this.#lent.delete(connection);
    const { keep } = this.#caller.delivery;
    const limit = Math.min(keep.messages, connection.offered.maxMessages ?? keep.messages);
    const idle = { connection, since: this.#now() };
    if (this.#closing || connection.messages >= limit || !this.#fresh(idle)) {
      this.#dismiss(connection);
      return;
    }
    const kept = this.#idle.get(connection.target.key);
    if (kept) kept.push(idle);
    else this.#idle.set(connection.target.key, [idle]);
    this.#sweep ??= setInterval(() => this.#expire(), Math.min(1000, keep.idle));
    // One that waits in line for room gets this one's.
    if (this.#line.length > 0) this.#evict();
  }

  /** Idle ones are dismissed; busy ones are waited for until `signal` aborts, and are then cut off. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    this.#expire();
    const cut = (): void => {
      for (const { wire } of this.#lent) wire.break(new PeerFault('cut', 'we are shutting down'));
    };
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
    while (this.#count > 0) await new Promise<void>((resolve) => this.#line.push(resolve));
    signal.removeEventListener('abort', cut);
  }

  #fresh({ connection, since }: Idle): boolean {
    const { keep } = this.#caller.delivery;
    const now = this.#now();
    return connection.wire.quiet && now - since < keep.idle && now - connection.openedAt < keep.age;
  }

  #expire(): void {
    for (const [key, kept] of this.#idle) {
      const stays = (idle: Idle): boolean => !this.#closing && this.#fresh(idle);
      const staying = kept.filter(stays);
      for (const idle of kept) if (!staying.includes(idle)) this.#dismiss(idle.connection);
      if (staying.length === 0) this.#idle.delete(key);
      else this.#idle.set(key, staying);
    }
    if (this.#idle.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  /** Until one more connection may be opened; it is counted at once, as others may be waiting too. */
  async #room(signal: AbortSignal): Promise<void> {
    while (this.#count >= this.#caller.delivery.maxConnections) {
      this.#evict();
      await new Promise<void>((resolve, reject) => {
        const stop = (): void => reject(signal.reason);
        signal.addEventListener('abort', stop, { once: true });
        this.#line.push(() => {
          signal.removeEventListener('abort', stop);
          resolve();
        });
        if (signal.aborted) stop();
      });
    }
    this.#count += 1;
  }

  /** Dismisses the connection that has been idle longest. */
  #evict(): void {
    let oldest: Idle | undefined;
    for (const [first] of this.#idle.values()) {
      if (first && (oldest === undefined || first.since < oldest.since)) oldest = first;
    }
    if (oldest === undefined) return;
    const kept = this.#idle.get(oldest.connection.target.key);
    kept?.shift();
    if (kept?.length === 0) this.#idle.delete(oldest.connection.target.key);
    this.#dismiss(oldest.connection);
  }

  #dismiss({ wire, peer }: Connection): void {
    void wire.quit(this.#caller.delivery.timeLimits.quit).then(() => {
      this.#log.debug({ peer }, 'connection closed');
      this.#gone();
    });
  }

  #gone(): void {
    this.#count -= 1;
    const line = this.#line;
    this.#line = [];
    for (const wake of line) wake();
  }
}
