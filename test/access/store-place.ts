/**
 * The real store, and mail put into the INBOX of people who have accounts in it.
 */
import { type Account, flagNames, flagsOf, type MailFolder } from '../../src/mail/mailbox.ts';
import type { Uid } from '../../src/mail/uid-set.ts';
import { silentLog } from '../../src/ports/log.ts';
import { unheard } from '../../src/store/changed.ts';
import { type Messages, openMessages } from '../../src/store/open-messages.ts';
import { openTree, type Tree } from '../../src/store/tree.ts';
import { freshDatabase } from '../fixture/database.ts';
import { MemoryBlobs } from '../store/memory-blobs.ts';

const largest = 10_000_000;

export interface StorePlace {
  readonly tree: Tree;
  readonly messages: Messages;
  openAccount(login: { readonly account: string }): Promise<Account | undefined>;
  inboxOf(name: string): Promise<MailFolder>;
  deliver(name: string, content: string | Buffer, uidl?: string): Promise<Uid>;
  /** UIDs and flags. */
  inbox(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openStorePlace(...names: readonly string[]): Promise<StorePlace> {
  const now = () => new Date();
  const fresh = await freshDatabase();
  const { database } = fresh;
  const tree = openTree({ database, changed: unheard, now });
  const messages = openMessages({ database, blobs: new MemoryBlobs(now), now, log: silentLog });
  for (const name of names) await tree.accounts.create({ name });
  const inboxOf = async (name: string): Promise<MailFolder> => {
    const account = await tree.accounts.byName(name);
    const inbox = account && (await tree.mailboxes.get(account.id, 'INBOX'));
    if (inbox === undefined) throw new Error(`${name} has no INBOX`);
    return inbox;
  };
  return {
    tree,
    messages,
    inboxOf,
    openAccount: ({ account }) => tree.accounts.byName(account),
    async deliver(name, content, uidl) {
      const octets = (async function* () {
        yield Buffer.from(content);
      })();
      const { body } = await messages.stage(octets, largest, new AbortController().signal);
      const append = { mailbox: (await inboxOf(name)).id, body, flags: flagsOf([]) };
      const [appended] = await messages.append([uidl === undefined ? append : { ...append, uidl }]);
      return appended?.uid ?? 0;
    },
    async inbox(name) {
      const { id, status } = await inboxOf(name);
      const all = [{ first: 1, last: Math.max(1, status.uidNext - 1) }];
      const found: string[] = [];
      for await (const rows of messages.rows(id, all, {}, new AbortController().signal))
        for (const { uid, flags } of rows) found.push([uid, ...flagNames(flags)].join(' '));
      return found;
    },
    async close() {
      await messages.close();
      await fresh.drop();
    },
  };
}
