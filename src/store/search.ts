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
import { findTexts } from './search-texts.ts';

export function openSearch(options: SearchOptions): Search {
  const { database, now } = options;

  const find = async (
    mailbox: MailboxId,
    key: Plain,
    signal: AbortSignal,
    progress: (done: number) => void = () => undefined,
  ): Promise<Found> => {
    const found =
      key.texts > 0
        ? await findTexts(options, mailbox, key, signal, progress)
        : await findRows(database, mailbox, key, now(), signal);
    return found.as(key);
  };

  /** A key for the same messages that asks for rows only. */
  const settled = async (mailbox: MailboxId, key: Plain, signal: AbortSignal): Promise<Plain> => {
    if (key.texts === 0) return key;
    const { uids } = await find(mailbox, key, signal);
    return plain({ key: 'uids', ranges: [...uids.ranges()] });
  };

  return {
    find: (mailbox, key, signal, progress) => inStoreWords(() => find(mailbox, plain(key), signal, progress)),
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
