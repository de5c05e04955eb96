/**
 * store/open-messages - the messages of hosted mailboxes (ports/messages), put together.
 *
 * Whoever waits hears of a change through `changed`, after its commit.
 */
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Reading, Writing } from '../ports/messages.ts';
import { openAppends } from './appends.ts';
import { type Changed, unheard } from './changed.ts';
import { changes } from './changes.ts';
import { Coding, type StoreKey } from './coding.ts';
import { content, KeptReader } from './content.ts';
import { copy } from './copy.ts';
import { expunge } from './expunge.ts';
import { eachInStoreWords, inStoreWords } from './faults.ts';
import { flag } from './flag.ts';
import { type Rekeyed, type RekeyTask, rekey } from './rekey.ts';
import { rows } from './rows.ts';
import { snapshot, takeRecent } from './snapshot.ts';
import { openStaging } from './stage.ts';
import type { StoreLimits, Touched } from './write-options.ts';

export interface MessagesOptions {
  readonly database: Database;
  /** The store's own: a sweep of the spool's blobs would remove them. */
  readonly blobs: BlobStore;
  readonly changed?: Changed;
  readonly limits?: Partial<StoreLimits>;
  /** Compress new bodies where that saves something; default false. */
  readonly compress?: boolean;
  /** The last seals new bodies, all open those they sealed; none: in the clear. */
  readonly keys?: readonly StoreKey[];
  readonly now: () => Date;
  readonly log: Log;
}

export const storeLimits: StoreLimits = {
  inlineLimit: 64 * 1024,
  keywords: 200,
  quotaGrace: 0.1,
  appendsTogether: 200,
  commitsAtOnce: 2,
};

export interface Messages extends Reading, Writing {
  /** Bodies sealed by old keys are sealed by the last: see rekey. */
  reseal(task: RekeyTask, signal: AbortSignal): Promise<Rekeyed>;
  /** When what is under way is done. */
  close(): Promise<void>;
}

export function openMessages(options: MessagesOptions): Messages {
  const { database, blobs, now, log } = options;
  const limits = { ...storeLimits, ...options.limits };
  const changed = options.changed ?? unheard;
  const coding = new Coding({ compress: options.compress ?? false, keys: options.keys ?? [] });
  const kept = new KeptReader(database);
  const writing = { limits, now };
  const tell = (touched: readonly Touched[]): void => {
    for (const { account, mailbox, modSeq } of touched) changed.messages(account, mailbox, modSeq);
  };
  const told = async <T extends { readonly touched: readonly Touched[] }>(
    work: () => Promise<T>,
  ): Promise<T> => {
    const result = await inStoreWords(work);
    tell(result.touched);
    return result;
  };
  const staging = openStaging({ database, blobs, coding, ...limits, now, log });
  const appends = openAppends(database, writing, tell);
  return {
    stage: staging.stage,
    append: (messages, { grace = false } = {}) => inStoreWords(() => appends.append(messages, grace)),
    async copy(from, uids, to) {
      return (await told(() => copy(database, from, uids, to, { ...writing, move: false }))).copied;
    },
    async move(from, uids, to) {
      return (await told(() => copy(database, from, uids, to, { ...writing, move: true }))).copied;
    },
    async flag(mailbox, uids, change, { unchangedSince } = {}) {
      const result = await told(() => flag(database, mailbox, uids, change, unchangedSince, writing));
      return { changed: result.changed, modified: result.modified };
    },
    async expunge(mailbox, uids, { anyway } = {}) {
      const result = await told(() => expunge(database, mailbox, { uids, anyway }, writing));
      return { gone: result.gone, modSeq: result.modSeq };
    },
    snapshot: (mailbox, { takeRecent = false } = {}) =>
      inStoreWords(() => snapshot(database, mailbox, takeRecent, limits.keywords)),
    takeRecent: (mailbox) => inStoreWords(() => takeRecent(database, mailbox)),
    changes: (mailbox, since) => inStoreWords(() => changes(database, mailbox, since)),
    rows: (mailbox, uids, want, signal) =>
      eachInStoreWords(() => rows(database, mailbox, uids, want, signal)),
    content: (body, signal, range) =>
      eachInStoreWords(() => content({ kept, blobs, coding }, body, signal, range)),
    reseal: (task, signal) => inStoreWords(() => rekey({ database, blobs, coding, log }, task, signal)),
    async close() {
      await staging.idle();
      await appends.idle();
    },
  };
}
