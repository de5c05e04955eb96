/** An account hosted here, with everything that tests of whole messages need. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf } from '../../src/mail/mailbox.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';
import { storeMailSource } from '../../src/store/mail-source.ts';
import { storeMailTarget } from '../../src/store/mail-target.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { soon } from '../contract/mail-source.ts';
import { garden } from './tree-parts.ts';

const sizeLimit = 200_000;

export async function mailPlace() {
  const at = await garden({ newcomers: [] });
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-store-'));
  const now = () => new Date();
  const blobs = await openFileBlobs({ folder, now, log: silentLog });
  const messages = openMessages({ database: at.database, blobs, now, log: silentLog });
  const { id } = await at.tree.accounts.create({ name: 'ada' });
  const { mailboxes } = at.tree;
  const mailbox = async (path: readonly string[]) => (await mailboxes.get(id, path.join('/')))!.id;
  const one = (name: string) => [{ first: Number(name), last: Number(name) }];
  return {
    ...at,
    account: id,
    blobs,
    folder,
    messages,
    source: storeMailSource({ mailboxes, reading: messages }, id),
    target: storeMailTarget({ database: at.database, mailboxes, messages, sizeLimit }, id),
    idsStay: true,
    badPath: ['a/b', 'c'],
    tooBig: sizeLimit,
    async create(path: readonly string[], specialUse?: '\\Sent') {
      await mailboxes.create(id, path.join('/'), specialUse === undefined ? {} : { specialUse });
    },
    async rename(path: readonly string[], to: readonly string[]) {
      await mailboxes.rename(await mailbox(path), to.join('/'));
    },
    async removeMailbox(path: readonly string[]) {
      await mailboxes.remove(await mailbox(path));
    },
    async put(
      path: readonly string[],
      content: Uint8Array,
      flags: readonly string[] = [],
      internalDate?: Date,
    ) {
      const content_ = (async function* () {
        yield content;
      })();
      const { body } = await messages.stage(content_, sizeLimit, soon());
      const [appended] = await messages.append([
        {
          mailbox: await mailbox(path),
          body,
          flags: flagsOf(flags),
          ...(internalDate ? { internalDate } : {}),
        },
      ]);
      return String(appended!.uid);
    },
    async setFlags(path: readonly string[], name: string, flags: readonly string[]) {
      await messages.flag(await mailbox(path), one(name), { how: 'set', flags: flagsOf(flags) });
    },
    async remove(path: readonly string[], name: string) {
      await messages.expunge(await mailbox(path), one(name), { anyway: true });
    },
    async fill() {
      await at.tree.accounts.change(id, { quota: { messages: 1 } });
      return async () => {
        await at.tree.accounts.change(id, { quota: {} });
      };
    },
    async close() {
      await messages.close();
      await at[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
