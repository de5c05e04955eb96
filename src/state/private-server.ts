/**
 * state/private-server - a PostgreSQL of our own, when no other is configured.
 *
 *   start -> adopt one that still runs | launch -> ready -> (it ends) -> launch again, with back-off -> ready …
 *                                                        -> stop
 *
 * Whoever starts it watches over it, and holds an advisory lock in it for as long: a second Isthmus on the same
 * folder is refused, while one that comes after a killed predecessor takes the running server over. It is never
 * run twice on one folder: PostgreSQL's own lock file sees to that, also while we are not looking.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../ports/log.ts';
import { type Account, chooseAccount } from './postgres-account.ts';
import { type Binaries, findBinaries } from './postgres-binaries.ts';
import {
  existing,
  type Folder,
  forgetPostmaster,
  isForbidden,
  prepare,
  readPostmaster,
  socketUrl,
} from './postgres-folder.ts';
import { adopt, end, isPostgres, launch, type PostgresProcess, tell } from './postgres-process.ts';
import { type Settings, writeSettings } from './postgres-settings.ts';
import { greet, type Watcher } from './postgres-watcher.ts';

export interface PrivateServerOptions {
  /** Isthmus's data folder; the server lives in `postgres` below it. */
  readonly dataDir: string;
  /** Whom it runs as when we are root; default: the first of isthmus, postgres, nobody that exists. */
  readonly user?: string;
  /** Folder with PostgreSQL's programs, instead of the newest found. */
  readonly binaries?: string;
  /** Lines of postgresql.conf laid over ours. */
  readonly settings?: Settings;
  readonly log: Log;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
}

export interface PrivateServer {
  readonly url: string;
  /** undefined while it is down. */
  readonly pid: number | undefined;
  /** How often it had to be started again. */
  readonly restarts: number;
  /** Sessions are cut, everything is written; bounded. */
  stop(): Promise<void>;
}

/** The server cannot be started, or does not run. */
export class PrivateServerError extends Error {
  override readonly name = 'PrivateServerError';
}

/** A server that ends before it was ready is started again for so long, milliseconds; its recovery may take longer. */
const startWithin = 60_000;
const shortestPause = 200;
const longestPause = 5_000;
/** After so long without a fault the pauses are short again, milliseconds. */
const settledAfter = 60_000;
const stopPatience = 30_000;
const greetEvery = 100;
const progressEvery = 5_000;
/** A predecessor's session is gone by then, milliseconds. */
const takenFor = 5_000;
/** A server that we did not launch listens by then, if it is one. */
const silentFor = 5_000;

export async function startPrivateServer(options: PrivateServerOptions): Promise<PrivateServer> {
  const before = existing(options.dataDir);
  const found = await findBinaries(before?.major, options.binaries);
  const account = chooseAccount(options.user, before?.owner);
  const { folder, binaries } = await prepare(options.dataDir, account, found, options.log, options.signal);
  await writeSettings(folder, account, binaries, options.settings ?? {});
  const watch = new Watch(options, folder, account, binaries);
  await watch.start();
  return watch;
}

/** URL of the private server that runs on this data folder, for commands beside it. */
export function privateServerUrl(dataDir: string): string {
  if (isForbidden(dataDir))
    throw new PrivateServerError(
      `You may not use the database in the data folder ${dataDir}: run this as root or as the user of Isthmus.`,
    );
  const postmaster = readPostmaster(dataDir);
  if (!postmaster || !isPostgres(postmaster.pid))
    throw new PrivateServerError(
      existing(dataDir)
        ? `PostgreSQL does not run on the data folder ${dataDir}: start Isthmus there (isthmus serve).`
        : `There is no database in the data folder ${dataDir}: is it the right one? 'isthmus serve' makes it.`,
    );
  return socketUrl(postmaster.socket);
}

class Watch implements PrivateServer {
  readonly url: string;
  restarts = 0;
  readonly #options: PrivateServerOptions;
  readonly #folder: Folder;
  readonly #account: Account;
  readonly #binaries: Binaries;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #running: PostgresProcess | undefined;
  #watcher: Watcher | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: PrivateServerOptions, folder: Folder, account: Account, binaries: Binaries) {
    this.#options = options;
    this.#folder = folder;
    this.#account = account;
    this.#binaries = binaries;
    this.#log = options.log;
    this.url = socketUrl(folder.socket);
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  async start(): Promise<void> {
    const signal = this.#options.signal ?? this.#stopping.signal;
    const deadline = Date.now() + startWithin;
    for (let pause = shortestPause; ; pause = Math.min(pause * 2, longestPause)) {
      const trouble = await this.#run(signal);
      if (trouble === undefined) break;
      signal.throwIfAborted();
      if (Date.now() > deadline)
        throw new PrivateServerError(`PostgreSQL does not start on ${this.#folder.data}: ${trouble}`);
      this.#log.warn({ trouble }, 'PostgreSQL did not start; trying again');
      await pauseFor(pause, signal);
    }
    this.#keeping = this.#keepUp();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#keeping;
    await this.#watcher?.end();
    if (this.#running) await end(this.#running, stopPatience);
    this.#running = undefined;
  }

  /** Starts it again whenever it ends, until stop(). */
  async #keepUp(): Promise<void> {
    const { signal } = this.#stopping;
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    let pause = shortestPause;
    let readyAt = Date.now();
    while (!signal.aborted) {
      if (this.#running) {
        const over = await Promise.race([this.#running.gone, this.#watcher?.lost, stopped]);
        if (signal.aborted) return;
        if (over === undefined) {
          this.#watcher = await this.#watchAgain(this.#running);
          continue;
        }
        this.#log.error(
          { how: over, pid: this.#running.pid },
          'PostgreSQL ended unexpectedly; starting it again',
        );
        this.#running = undefined;
      }
      if (Date.now() - readyAt > settledAfter) pause = shortestPause;
      await pauseFor(pause, signal);
      if (signal.aborted) return;
      pause = Math.min(pause * 2, longestPause);
      this.restarts++;
      const trouble = await this.#run(signal).catch((error: Error) => error.message);
      if (trouble === undefined) readyAt = Date.now();
      else if (!signal.aborted) this.#log.error({ trouble }, 'PostgreSQL did not start again; trying again');
    }
  }

  /** Adopts or launches, and waits until it answers; what went wrong, or undefined. */
  async #run(signal: AbortSignal): Promise<string | undefined> {
    const orphan = this.#orphan();
    if (orphan) {
      const trouble = await this.#await(adopt(orphan.pid), orphan.socket, signal, true);
      if (trouble !== silence) return trouble;
    }
    const launched = launch(this.#folder, this.#account, this.#binaries, this.#log);
    const trouble = await this.#await(launched, this.#folder.socket, signal, false);
    if (trouble !== undefined) await end(launched, stopPatience);
    return trouble;
  }

  /** A server that still runs on our folder. A number that now means another program is forgotten. */
  #orphan(): { readonly pid: number; readonly socket: string } | undefined {
    const postmaster = readPostmaster(this.#options.dataDir);
    if (!postmaster) return undefined;
    if (isPostgres(postmaster.pid)) return postmaster;
    forgetPostmaster(this.#options.dataDir);
    return undefined;
  }

  async #await(
    running: PostgresProcess,
    socket: string,
    signal: AbortSignal,
    adopted: boolean,
  ): Promise<string | undefined> {
    const startedAt = Date.now();
    let told = startedAt;
    let over: string | undefined;
    void running.gone.then((how) => {
      over = how;
    });
    for (;;) {
      const answer = await greet(socket, this.#folder.data);
      if (typeof answer !== 'string') return this.#ready(running, answer, socket, adopted);
      const waited = Date.now() - startedAt;
      if (over !== undefined) return over;
      if (signal.aborted) return 'given up';
      if (answer === 'taken' && waited > takenFor)
        throw new PrivateServerError(
          `Another Isthmus runs on the data folder ${this.#options.dataDir}: stop it first, or use another folder.`,
        );
      if (answer === 'silent' && adopted && waited > silentFor) return silence;
      if (Date.now() - told > progressEvery) {
        told = Date.now();
        this.#log.info(
          { waitedMs: waited, pid: running.pid },
          'PostgreSQL is starting (after a crash it recovers first)',
        );
      }
      await pauseFor(greetEvery, signal);
    }
  }

  async #ready(
    running: PostgresProcess,
    watcher: Watcher,
    socket: string,
    adopted: boolean,
  ): Promise<string | undefined> {
    if (socket !== this.#folder.socket) {
      await watcher.end();
      await end(running, stopPatience);
      return 'it listened elsewhere and was ended';
    }
    this.#running = running;
    this.#watcher = watcher;
    const facts = { pid: running.pid, postgres: this.#binaries.version, folder: this.#folder.data };
    if (adopted) {
      tell(running, 'SIGHUP'); // It reads the settings that we have just written.
      this.#log.warn(facts, 'PostgreSQL was still running from before; it is kept and watched');
    } else this.#log.info(facts, 'PostgreSQL is ready');
    return undefined;
  }

  /** Our session was cut although the server lives (it cuts all when one of its own crashed): lock again. */
  async #watchAgain(running: PostgresProcess): Promise<Watcher | undefined> {
    let over = false;
    void running.gone.then(() => {
      over = true;
    });
    for (;;) {
      await pauseFor(greetEvery, this.#stopping.signal);
      if (over || this.#stopping.signal.aborted) return undefined;
      const answer = await greet(this.#folder.socket, this.#folder.data);
      if (typeof answer !== 'string') return answer;
    }
  }
}

/** What we took for a running server says nothing. */
const silence = 'nothing listens there';

const pauseFor = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(ms, undefined, { signal }).catch(() => {});
