/**
 * store/fsck - every invariant of the store, checked in streams, and mended where that can be (ports/store-check).
 *
 * Trees first, then mailboxes against their messages, then bodies against what keeps them, then blobs against bodies.
 * The number of things held at once is bounded, however large the store.
 */
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Reading } from '../ports/messages.ts';
import type {
  StoreCheck,
  StoreCheckOptions,
  StoreCheckProgress,
  StoreFinding,
} from '../ports/store-check.ts';
import { eachInStoreWords } from './faults.ts';
import { checkBlobs } from './fsck-blobs.ts';
import { checkBodies } from './fsck-body.ts';
import { checkMailbox } from './fsck-mailbox.ts';
import { checkTree } from './fsck-tree.ts';
import { noticesChannel } from './notices.ts';

export interface FsckOptions {
  readonly database: Database;
  /** The store's own. */
  readonly blobs: BlobStore;
  readonly reading: Pick<Reading, 'content'>;
  readonly now: () => Date;
}

/** One run of it. */
export interface Run extends StoreCheckOptions, FsckOptions {
  readonly signal: AbortSignal;
  readonly progress: (progress: StoreCheckProgress) => void;
}

export function openFsck(options: FsckOptions): StoreCheck {
  return {
    run: (wish, progress, signal) =>
      eachInStoreWords(() => checkAll({ ...options, ...wish, progress, signal })),
  };
}

async function* checkAll(run: Run): AsyncGenerator<StoreFinding> {
  let mended = 0;
  try {
    for (const stage of [accounts, mailboxes, checkBodies, checkBlobs]) {
      for await (const finding of stage(run)) {
        if (finding.mending === 'mended') mended += 1;
        yield finding;
      }
    }
  } finally {
    // Every session looks at its mailbox again.
    if (mended > 0) await run.database.notify(noticesChannel);
  }
}

async function* accounts(run: Run): AsyncGenerator<StoreFinding> {
  for await (const { id } of each(run, 'accounts', 'account', 'id'))
    yield* await run.database.transaction((tx) => checkTree(run, tx, id));
}

async function* mailboxes(run: Run): AsyncGenerator<StoreFinding> {
  for await (const { id } of each(run, 'mailboxes', 'mailbox', 'account'))
    yield* await run.database.transaction((tx) => checkMailbox(run, tx, id));
}

const portion = 500;

/** Ids of a table in ascending order, a portion at a time, with progress told. */
async function* each(
  { database, account, progress, signal }: Run,
  stage: 'accounts' | 'mailboxes',
  table: 'account' | 'mailbox',
  owner: 'id' | 'account',
): AsyncGenerator<{ readonly id: number }> {
  const mine = `($1::bigint is null or ${owner} = $1)`;
  const [total] = await database.query<{ count: number }>(`select count(*) from ${table} where ${mine}`, [
    account,
  ]);
  let [done, last] = [0, 0];
  for (;;) {
    const rows = await database.query<{ id: number }>(
      `select id from ${table} where ${mine} and id > $2 order by id limit ${portion}`,
      [account, last],
    );
    for (const row of rows) {
      signal.throwIfAborted();
      yield row;
      done += 1;
      last = row.id;
      progress({ stage, done, of: Math.max(total?.count ?? 0, done) });
    }
    if (rows.length < portion) return;
  }
}
