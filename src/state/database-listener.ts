/**
 * state/database-listener - LISTEN for all channels of a process over one session, which is opened again when it is
 * lost; listeners then hear an empty payload, as they may have missed something.
 */
import type pg from 'pg';
import { DatabaseAway } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { asDatabaseError } from './database-fault.ts';
import { openSession, type Session } from './database-session.ts';

type Heard = (payload: string) => void;

const shortestPause = 100;
const longestPause = 5_000;

export class Listener {
  readonly #config: pg.ClientConfig;
  readonly #log: Log;
  readonly #channels = new Map<string, Set<Heard>>();
  #session: Promise<Session> | undefined;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(config: pg.ClientConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  async listen(channel: string, heard: Heard): Promise<AsyncDisposable> {
    if (this.#closed) throw new DatabaseAway('the database was closed');
    const own: Heard = (payload) => heard(payload);
    const all = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, all.add(own));
    const stop = async (): Promise<void> => {
      all.delete(own);
      if (all.size > 0 || this.#channels.get(channel) !== all) return;
      this.#channels.delete(channel);
      const session = await this.#session?.catch(() => undefined);
      if (!this.#channels.has(channel))
        await session?.client.query(`unlisten ${quoted(channel)}`).catch(() => {});
    };
    try {
      const { client } = await this.#open();
      await client.query(`listen ${quoted(channel)}`);
    } catch (error) {
      await stop();
      throw asDatabaseError(error);
    }
    return { [Symbol.asyncDispose]: stop };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#channels.clear();
    await (await this.#session?.catch(() => undefined))?.end();
  }

  #open(): Promise<Session> {
    this.#session ??= this.#connect().catch((error) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #connect(): Promise<Session> {
    const session = await openSession(this.#config, () => {
      this.#session = undefined;
      this.#log.debug({}, 'the listening database connection was lost');
      this.#again(shortestPause);
    });
    session.client.on('notification', ({ channel, payload }) => {
      for (const heard of this.#channels.get(channel) ?? []) heard(payload ?? '');
    });
    return session;
  }

  #again(pause: number): void {
    if (this.#closed || this.#retry) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#channels.size === 0) return;
      this.#resume().catch(() => this.#again(Math.min(pause * 2, longestPause)));
    }, pause);
  }

  async #resume(): Promise<void> {
    const { client } = await this.#open();
    for (const channel of this.#channels.keys()) await client.query(`listen ${quoted(channel)}`);
    for (const all of this.#channels.values()) for (const heard of all) heard('');
  }
}

/** Channel names are identifiers: they cannot be values. */
const quoted = (channel: string): string => `"${channel.replaceAll('"', '""')}"`;
