/**
 * store/notices - changes told to every session on every node (ports/watch), and heard at once in this process.
 *
 * Sent after the commit, together, and not inside it: PostgreSQL lets committers that notify through one by one (adr/0003).
 * A process sends at most a hundred notices a second; what does not fit waits for the next. What could not be sent is
 * sent later. After a reconnect everyone is woken, and now and then all that is watched is looked at (store/recheck).
 */
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Watch } from '../ports/watch.ts';
import type { Changed } from './changed.ts';
import { type Change, Gathered, parseNotice } from './notice-text.ts';
import { type RecheckPace, recheck, usualPace } from './recheck.ts';
import { Watchers } from './watchers.ts';

export const noticesChannel = 'store';
/** Milliseconds between two notices of one process. */
const apart = 10;
/** Milliseconds after one that failed. */
const afterFailure = 1_000;

export interface NoticesOptions {
  readonly database: Database;
  /** Unique among all processes, without spaces, short: a random one will do. */
  readonly self: string;
  readonly log: Log;
  readonly pace?: RecheckPace;
}

export interface Notices extends AsyncDisposable {
  readonly changed: Changed;
  readonly watch: Watch;
}

/** Listens when it resolves. Disposing sends what is still to be told. */
export async function openNotices(options: NoticesOptions): Promise<Notices> {
  const { database, self, log, pace = usualPace } = options;
  const watchers = new Watchers(log);
  const here = new Here(watchers);
  const sender = new Sender(database, self);
  const listening = await database.listen(noticesChannel, (payload) => hear(payload, self, watchers));
  const ending = new AbortController();
  const checking = recheck(database, watchers, pace, log, ending.signal);
  const tell = (change: Change): void => {
    here.add(change);
    sender.add(change);
  };
  return {
    watch: watchers,
    changed: {
      messages: (account, mailbox, modSeq) => tell({ account, mailbox, modSeq }),
      tree: (account, mailbox) => tell({ account, ...(mailbox === undefined ? {} : { mailbox }) }),
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await checking;
      await listening[Symbol.asyncDispose]();
      watchers.close();
      await sender.close();
    },
  };
}

function hear(payload: string, self: string, watchers: Watchers): void {
  const notice = parseNotice(payload);
  if (payload !== '' && notice.sender === self) return;
  if (payload === '' || notice.all) watchers.wakeAll();
  for (const change of notice.changes) watchers.tell(change);
}

/** This process's own changes, told to its watchers soon after whoever made them has gone on. */
class Here {
  readonly #watchers: Watchers;
  readonly #gathered = new Gathered();

  constructor(watchers: Watchers) {
    this.#watchers = watchers;
  }

  add(change: Change): void {
    if (this.#gathered.empty) setImmediate(() => this.#tell());
    this.#gathered.add(change);
  }

  #tell(): void {
    const { all, changes } = this.#gathered.takeAll();
    if (all) this.#watchers.wakeAll();
    for (const change of changes) this.#watchers.tell(change);
  }
}

class Sender {
  readonly #database: Database;
  readonly #self: string;
  readonly #gathered = new Gathered();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(database: Database, self: string) {
    this.#database = database;
    this.#self = self;
  }

  add(change: Change): void {
    this.#gathered.add(change);
    this.#plan(apart);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#sending;
    if (!this.#gathered.empty) await this.#send();
  }

  #plan(wait: number): void {
    if (this.#closed || this.#sending !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#send().then((sent) => {
        this.#sending = undefined;
        if (!this.#gathered.empty) this.#plan(sent ? apart : afterFailure);
      });
    }, wait);
  }

  async #send(): Promise<boolean> {
    const text = this.#gathered.take(this.#self);
    try {
      await this.#database.notify(noticesChannel, text);
      return true;
    } catch {
      // Whoever waits for the database hears of that elsewhere.
      this.#gathered.giveBack(text);
      return false;
    }
  }
}
