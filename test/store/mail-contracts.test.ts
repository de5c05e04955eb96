/** The store is a source and a target of mirrors by the same contracts as any other place. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flagsOf } from '../../src/mail/mailbox.ts';
import { silentLog } from '../../src/ports/log.ts';
import { MailCursorExpired } from '../../src/ports/mail-source.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';
import { storeMailSource } from '../../src/store/mail-source.ts';
import { storeMailTarget } from '../../src/store/mail-target.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { mailboxAt, mailSourceContract, soon } from '../contract/mail-source.ts';
import { mailTargetContract } from '../contract/mail-target.ts';
import { garden } from './tree-parts.ts';

const sizeLimit = 100_000;

async function place() {
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

mailSourceContract('the store as a source', place);
mailTargetContract('the store as a target', place);

test('more changes than one answer holds are all told', async () => {
  const at = await place();
  await at.create(['big']);
  const first = await at.put(['big'], Buffer.from('a: b\r\n\r\n'));
  const mailbox = await mailboxAt(at.source, ['big']);
  const everything = await Array.fromAsync(at.source.changes(mailbox, undefined, soon()));
  const last = everything.at(-1);
  const id = (await at.tree.mailboxes.get(at.account, 'big'))!.id;
  const [row] = await at.database.query<{ body: number }>('select body from mailbox_message', []);
  for (let n = 0; n < 25; n++)
    await at.messages.append(
      Array.from({ length: 100 }, () => ({
        mailbox: id,
        body: row!.body,
        flags: { system: 0, keywords: [] },
      })),
    );
  const changes = await Array.fromAsync(
    at.source.changes(mailbox, last?.change === 'done' ? last.cursor : undefined, soon()),
  );
  const added = changes.flatMap((one) => (one.change === 'added' ? [Number(one.message.name)] : []));
  expect(added).toEqual(Array.from({ length: 2_500 }, (_, n) => Number(first) + 1 + n));
  await at.close();
});

test('a cursor from before what is still known of expunged messages is refused', async () => {
  const at = await place();
  await at.create(['old']);
  const name = await at.put(['old'], Buffer.from('a: b\r\n\r\n'));
  const mailbox = await mailboxAt(at.source, ['old']);
  const [, done] = await Array.fromAsync(at.source.changes(mailbox, undefined, soon()));
  await at.remove(['old'], name);
  await at.database.query('update mailbox set forgotten_to = mod_seq');
  const cursor = done?.change === 'done' ? done.cursor : undefined;
  await expect(Array.fromAsync(at.source.changes(mailbox, cursor, soon()))).rejects.toThrow(
    MailCursorExpired,
  );
  await at.close();
});
