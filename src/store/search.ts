/**
 * store/search - ports/search over PostgreSQL.
 *
 * What asks for rows only is one statement. What asks for text first learns which messages have it; sorting and threading
 * then go on with those.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { SearchKey } from '../mail/search.ts';
import type { Found, Search } from '../ports/search.ts';
import { eachInStoreWords, inStoreWords } from './faults.ts';
import { both, type Plain, plain } from './search-key.ts';
import { forThreads, inOrder } from './search-lists.ts';
import type { SearchOptions } from './search-options.ts';
import { findRows } from './search-rows.ts';

export function openSearch(options: SearchOptions): Search {
  const { database, now } = options;

  const find = async (mailbox: MailboxId, key: Plain, signal: AbortSignal): Promise<Found> => {
    const found = await findRows(database, mailbox, key, now(), signal);
    return found.as(key);
  };

  /** A key for the same messages that asks for rows only. */
  const settled = async (_mailbox: MailboxId, key: Plain, _signal: AbortSignal): Promise<Plain> => key;

  return {
    find: (mailbox, key, signal) => inStoreWords(() => find(mailbox, plain(key), signal)),
    sorted: (mailbox, key, by, signal) =>
      eachInStoreWords(async function* () {
        const rows = await settled(mailbox, plain(key), signal);
        yield* inOrder(database, { mailbox, key: rows, now: now() }, by, signal);
      }),
    threadRows: (mailbox, key, signal) =>
      eachInStoreWords(async function* () {
        const rows = await settled(mailbox, plain(key), signal);
        yield* forThreads(database, { mailbox, key: rows, now: now() }, signal);
      }),
    matching: (mailbox, uids, key, signal) =>
      inStoreWords(async () => {
        const among: SearchKey = { key: 'uids', ranges: uids };
        return (await find(mailbox, both(plain(among), plain(key)), signal)).uids;
      }),
  };
}
