/** The messages of hosted mailboxes: staged, appended, read, flagged, copied, moved, expunged (ports/messages). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { MailboxId } from '../../src/mail/mailbox.ts';
import { MailboxGone, MessageTooBig } from '../../src/ports/messages.ts';
import {
  allRows,
  contradictions,
  everything,
  letter,
  never,
  newAccount,
  newMailbox,
  noon,
  openSetting,
  pieces,
  put,
  read,
  type Setting,
  stage,
} from './messages-setting.ts';

let setting: Setting;
let account: number;
let box: MailboxId;

beforeAll(async () => {
  setting = await openSetting({ limits: { inlineLimit: 4096 } });
  account = await newAccount(setting.database);
});
afterAll(() => setting[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await contradictions(setting.database)).toEqual([]);
});

const fresh = async (): Promise<MailboxId> => {
  box = await newMailbox(setting.database, account);
  return box;
};
const uidsOf = async (mailbox: MailboxId): Promise<number[]> => [
  ...(await setting.messages.snapshot(mailbox)).uids,
];
const ranges = (...pairs: [number, number][]) => pairs.map(([first, last]) => ({ first, last }));

describe('staging', () => {
  test('what was staged is read byte for byte, small or large, whole or in part', async () => {
    const { messages } = setting;
    for (const size of [0, 1, 4096, 4097, 300_000]) {
      const octets = Buffer.from(letter(`of ${size}`, [], 'x\0y\r\n'.repeat(size / 5)).subarray(0, size));
      const staged = await stage(messages, octets);
      expect(staged.size).toBe(octets.length);
      expect((await read(messages, staged.body)).equals(octets)).toBe(true);
      const part = await read(messages, staged.body, { start: 3, end: 4000 });
      expect(part.equals(octets.subarray(3, 4000))).toBe(true);
      expect((await read(messages, staged.body, { start: 4090 })).equals(octets.subarray(4090))).toBe(true);
    }
  });

  test('the same octets are one body, however often they come', async () => {
    const { messages, blobs } = setting;
    const octets = letter('twice', [], 'z'.repeat(50_000));
    const first = await stage(messages, octets);
    setting.now = new Date(noon.getTime() + 3 * 3600_000);
    const before = blobs.kept.size;
    const second = await stage(messages, octets);
    setting.now = noon;
    expect([first.isNew, second.isNew]).toEqual([true, false]);
    expect(second.body).toBe(first.body);
    expect(blobs.kept.size).toBe(before);
    expect((await read(messages, first.body)).equals(octets)).toBe(true);
  });

  test('what is larger than the limit is refused, and nothing of it stays', async () => {
    const { messages, blobs, database } = setting;
    const before = [blobs.kept.size, await database.query('select count(*) from body')];
    const octets = letter('big', [], 'b'.repeat(20_000));
    const late = new AbortController().signal;
    await expect(messages.stage(pieces(octets), 10_000, late)).rejects.toThrow(MessageTooBig);
    await expect(messages.stage(pieces(octets), octets.length - 1, late)).rejects.toThrow(MessageTooBig);
    expect([blobs.kept.size, await database.query('select count(*) from body')]).toEqual(before);
  });

  test('a source that breaks off leaves nothing', async () => {
    const { messages, blobs, database } = setting;
    const before = [blobs.kept.size, await database.query('select count(*) from body')];
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield letter('broken', [], 'c'.repeat(30_000));
      throw new Error('the line was cut');
    }
    const late = new AbortController().signal;
    await expect(messages.stage(broken(), 1e6, late)).rejects.toThrow('the line was cut');
    expect([blobs.kept.size, await database.query('select count(*) from body')]).toEqual(before);
  });
});

describe('appending', () => {
  test('messages get ascending UIDs and a MODSEQ, and the mailbox tells of them', async () => {
    const { messages, heard } = setting;
    await fresh();
    heard.length = 0;
    const first = await put(messages, box, letter('one'), { flags: { system: 1, keywords: [] } });
    const second = await put(messages, box, letter('two'));
    expect([first.uid, second.uid]).toEqual([1, 2]);
    expect(second.modSeq).toBeGreaterThan(first.modSeq);
    const { status, uids, firstUnseen } = await messages.snapshot(box);
    expect(status).toMatchObject({ messages: 2, unseen: 1, uidNext: 3, deleted: 0 });
    expect(status.highestModSeq).toBe(second.modSeq);
    expect(status.uidValidity).toBe(first.uidValidity);
    expect([...uids]).toEqual([1, 2]);
    expect(firstUnseen).toBe(2);
    expect(heard).toEqual([first, second].map(({ modSeq }) => ({ mailbox: box, modSeq })));
  });

  test('rows say what was appended', async () => {
    const { messages } = setting;
    await fresh();
    const internalDate = new Date('2001-02-03T04:05:06.999Z');
    const flags = { system: 4, keywords: ['$Forwarded', 'Urgent'] };
    const { body, modSeq } = await put(messages, box, letter('rows'), { internalDate, flags, uidl: 'old-1' });
    const [row] = await allRows(messages, box, everything, { structure: true });
    expect(row).toMatchObject({
      uid: 1,
      modSeq,
      flags,
      internalDate: new Date('2001-02-03T04:05:06Z'),
      savedDate: new Date('2026-11-29T12:00:00Z'),
      size: letter('rows').length,
      body,
      uidl: 'old-1',
    });
    expect(JSON.parse(row!.structure!)).toMatchObject({ summary: { subject: 'rows' } });
    expect(row!.emailId).toMatch(/^E\d+$/);
    expect(row!.threadId).toMatch(/^T[0-9a-f]{32}$/);
    await messages.copy(box, everything, box);
    // Rows of old, or of somebody else's making, ask the body.
    await setting.database.query('update mailbox_message set thread = null where mailbox = $1 and uid = 1', [
      box,
    ]);
    const both = await allRows(messages, box);
    expect(both.map(({ threadId }) => threadId)).toEqual([row!.threadId, row!.threadId]);
    const since = await messages.changes(box, 1);
    expect(since.rows.map(({ threadId }) => threadId)).toEqual([row!.threadId, row!.threadId]);
  });

  test('several messages into several mailboxes are one change each', async () => {
    const { messages } = setting;
    const [a, b] = [await fresh(), await fresh()];
    const { body } = await stage(messages, letter('shared'));
    const flags = { system: 0, keywords: [] };
    const done = await messages.append([b, a, b].map((mailbox) => ({ mailbox, body, flags })));
    expect(done.map(({ mailbox, uid }) => [mailbox, uid])).toEqual([
      [b, 1],
      [a, 1],
      [b, 2],
    ]);
    expect(await uidsOf(a)).toEqual([1]);
    expect(await uidsOf(b)).toEqual([1, 2]);
  });

  test('where one mailbox is gone nothing is appended', async () => {
    const { messages } = setting;
    await fresh();
    const { body } = await stage(messages, letter('gone'));
    const flags = { system: 0, keywords: [] };
    const both = [box, 999_999_999].map((mailbox) => ({ mailbox, body, flags }));
    await expect(messages.append(both)).rejects.toThrow(MailboxGone);
    expect(await uidsOf(box)).toEqual([]);
  });
});

describe('flags', () => {
  test('are set, added and removed; who has them already keeps its MODSEQ', async () => {
    const { messages } = setting;
    await fresh();
    for (const subject of ['f1', 'f2', 'f3']) await put(messages, box, letter(subject));
    const seen = { system: 1, keywords: [] };
    const one = await messages.flag(box, ranges([2, 2]), { how: 'add', flags: seen });
    expect(one.changed.map(({ uid, flags }) => [uid, flags])).toEqual([[2, seen]]);
    const all = await messages.flag(box, everything, {
      how: 'add',
      flags: { system: 9, keywords: ['Work'] },
    });
    expect(all.changed.map(({ uid }) => uid)).toEqual([1, 2, 3]);
    expect((await messages.snapshot(box)).status).toMatchObject({ unseen: 0, deleted: 3 });
    const again = await messages.flag(box, everything, {
      how: 'add',
      flags: { system: 1, keywords: ['work'] },
    });
    expect(again.changed).toEqual([]);
    await messages.flag(box, ranges([1, 1]), { how: 'set', flags: { system: 2, keywords: [] } });
    await messages.flag(box, ranges([2, 2]), { how: 'remove', flags: { system: 8, keywords: ['WORK'] } });
    expect((await allRows(messages, box)).map(({ flags }) => flags)).toEqual([
      { system: 2, keywords: [] },
      { system: 1, keywords: [] },
      { system: 9, keywords: ['Work'] },
    ]);
    expect((await messages.snapshot(box)).keywords).toEqual(['Work']);
  });

  test('of messages changed since are left alone and named', async () => {
    const { messages } = setting;
    await fresh();
    for (const subject of ['g1', 'g2', 'g3', 'g4']) await put(messages, box, letter(subject));
    const { highestModSeq } = (await messages.snapshot(box)).status;
    const flagged = { system: 4, keywords: [] };
    await messages.flag(box, ranges([2, 3]), { how: 'add', flags: flagged });
    const { changed, modified } = await messages.flag(
      box,
      everything,
      { how: 'add', flags: { system: 1, keywords: [] } },
      { unchangedSince: highestModSeq },
    );
    expect(changed.map(({ uid }) => uid)).toEqual([1, 4]);
    expect(modified).toEqual(ranges([2, 3]));
  });

  test('that rights protect stay when others are set', async () => {
    const { messages } = setting;
    await fresh();
    await put(messages, box, letter('k'), { flags: { system: 9, keywords: ['Mine'] } });
    await messages.flag(box, everything, {
      how: 'set',
      flags: { system: 6, keywords: ['Other'] },
      keep: { system: 9, keywords: true },
    });
    expect((await allRows(messages, box))[0]?.flags).toEqual({ system: 15, keywords: ['Mine'] });
    await messages.flag(box, everything, {
      how: 'set',
      flags: { system: 8, keywords: [] },
      keep: { system: 8, keywords: false },
    });
    expect((await allRows(messages, box))[0]?.flags).toEqual({ system: 8, keywords: [] });
  });
});

describe('going', () => {
  test('what is marked is expunged, and can be asked for by those who knew it', async () => {
    const { messages, heard } = setting;
    await fresh();
    for (let i = 1; i <= 6; i++)
      await put(messages, box, letter(`e${i}`), { flags: { system: i % 2 === 0 ? 8 : 0, keywords: [] } });
    const { highestModSeq } = (await messages.snapshot(box)).status;
    heard.length = 0;
    const { gone, modSeq } = await messages.expunge(box, ranges([1, 5]));
    expect(gone).toEqual(ranges([2, 2], [4, 4]));
    expect(heard).toEqual([{ mailbox: box, modSeq }]);
    expect(await uidsOf(box)).toEqual([1, 3, 5, 6]);
    const since = await messages.changes(box, highestModSeq);
    expect(since).toMatchObject({ gone, rows: [], forgotten: false, more: false });
    const none = await messages.expunge(box, ranges([1, 5]));
    expect(none).toEqual({ gone: [], modSeq });
    expect((await messages.expunge(box)).gone).toEqual(ranges([6, 6]));
    expect((await messages.expunge(box, ranges([3, 9]), { anyway: true })).gone).toEqual(
      ranges([3, 3], [5, 5]),
    );
    expect((await messages.snapshot(box)).status).toMatchObject({ messages: 1, uidNext: 7 });
  });

  test('a copy is a message of its own with the same body', async () => {
    const { messages } = setting;
    const [from, to] = [await fresh(), await fresh()];
    for (const subject of ['c1', 'c2', 'c3'])
      await put(messages, from, letter(subject), { flags: { system: 1, keywords: [subject.toUpperCase()] } });
    await put(messages, to, letter('there'), { flags: { system: 0, keywords: ['c2'] } });
    const copied = await messages.copy(from, ranges([3, 900], [1, 2]), to);
    expect(copied).toMatchObject({ from: ranges([1, 3]), to: ranges([2, 4]) });
    const rows = await allRows(messages, to);
    expect(rows.map(({ uid, flags }) => [uid, flags.keywords])).toEqual([
      [1, ['c2']],
      [2, ['C1']],
      [3, ['c2']],
      [4, ['C3']],
    ]);
    expect(rows.slice(1).map(({ body }) => body)).toEqual(
      (await allRows(messages, from)).map(({ body }) => body),
    );
    expect(await messages.copy(from, ranges([50, 60]), to)).toBeUndefined();
  });

  test('a copy within its own mailbox is possible', async () => {
    const { messages } = setting;
    await fresh();
    await put(messages, box);
    const copied = await messages.copy(box, everything, box);
    expect(copied).toMatchObject({ from: ranges([1, 1]), to: ranges([2, 2]) });
    const moved = await messages.move(box, everything, box);
    expect(moved).toMatchObject({ from: ranges([1, 2]), to: ranges([3, 4]) });
    expect(await uidsOf(box)).toEqual([3, 4]);
  });

  test('a move leaves nothing behind', async () => {
    const { messages, heard } = setting;
    const [from, to] = [await fresh(), await fresh()];
    for (const subject of ['m1', 'm2', 'm3']) await put(messages, from, letter(subject), { uidl: subject });
    heard.length = 0;
    const moved = await messages.move(from, ranges([1, 1], [3, 3]), to);
    expect(moved).toMatchObject({ from: ranges([1, 1], [3, 3]), to: ranges([1, 2]) });
    expect(await uidsOf(from)).toEqual([2]);
    expect((await allRows(messages, to)).map(({ uidl }) => uidl)).toEqual(['m1', 'm3']);
    expect(heard.map(({ mailbox }) => mailbox).sort()).toEqual([from, to].sort());
  });
});

describe('changes', () => {
  test('since the beginning are all messages, and nothing is new since the end', async () => {
    const { messages } = setting;
    await fresh();
    for (const subject of ['h1', 'h2']) await put(messages, box, letter(subject));
    const all = await messages.changes(box, 1);
    expect(all.rows.map(({ uid }) => uid)).toEqual([1, 2]);
    const none = await messages.changes(box, all.status.highestModSeq);
    expect(none).toMatchObject({ rows: [], gone: [], more: false });
  });

  test('further back than is kept name every UID that is not there', async () => {
    const { messages, database } = setting;
    await fresh();
    for (const subject of ['o1', 'o2', 'o3', 'o4']) await put(messages, box, letter(subject));
    await messages.expunge(box, ranges([1, 1], [4, 4]), { anyway: true });
    await database.query('update mailbox set forgotten_to = mod_seq where id = $1', [box]);
    await database.query('delete from expunged where mailbox = $1', [box]);
    const { forgotten, gone } = await messages.changes(box, 2);
    expect(forgotten).toBe(true);
    expect(gone).toEqual(ranges([1, 1], [4, 4]));
  });

  test('too many for one answer come in several, none twice and none left out', async () => {
    const { messages } = setting;
    const from = await fresh();
    const { body } = await stage(messages, letter('many'));
    const flags = { system: 0, keywords: [] };
    await messages.append(Array.from({ length: 2500 }, () => ({ mailbox: from, body, flags })));
    let since = 1;
    const uids: number[] = [];
    for (let more = true; more; ) {
      const answer = await messages.changes(from, since);
      uids.push(...answer.rows.map(({ uid }) => uid));
      since = answer.rows.at(-1)!.modSeq;
      more = answer.more;
    }
    expect(uids).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
    expect((await allRows(messages, from)).length).toBe(2500);
    expect((await allRows(messages, from, ranges([3, 3], [700, 1400], [2499, 4000]))).length).toBe(704);
  });
});

test('structures of senders who wish ill come a few at a time, and none is left out', async () => {
  const { messages, database } = setting;
  await fresh();
  const ids: number[] = [];
  for (let i = 0; i < 12; i++) ids.push((await put(messages, box, letter(`huge ${i}`))).body);
  await put(messages, box, letter('small'));
  // As of ten thousand parts; random, as the database compresses what is not.
  await database.query(
    `update body b set structure = s.text from (
       select id, (select string_agg(md5(random()::text || n), '') from generate_series(1, 20000) n) as text
       from unnest($1::int8[]) as u (id)
     ) s where b.id = s.id`,
    [ids],
  );
  const batches = await Array.fromAsync(messages.rows(box, everything, { structure: true }, never));
  expect(batches.flat().map(({ uid }) => uid)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
  expect(batches.length).toBeGreaterThan(2);
  for (const batch of batches) expect(batch.length).toBeLessThan(8);
  const some = [...ranges([2, 4], [6, 6], [9, 13])];
  const few = await Array.fromAsync(messages.rows(box, some, { structure: true, preview: true }, never));
  expect(few.flat().map(({ uid }) => uid)).toEqual([2, 3, 4, 6, 9, 10, 11, 12, 13]);
});

test('what is recent is taken by one session only', async () => {
  const { messages } = setting;
  await fresh();
  for (const subject of ['r1', 'r2']) await put(messages, box, letter(subject));
  expect((await messages.snapshot(box)).status.recentFrom).toBe(1);
  expect((await messages.snapshot(box, { takeRecent: true })).status.recentFrom).toBe(1);
  expect((await messages.snapshot(box, { takeRecent: true })).status.recentFrom).toBe(3);
});

test('a mailbox that is gone is said to be', async () => {
  const { messages } = setting;
  await expect(messages.snapshot(999_999_999)).rejects.toThrow(MailboxGone);
  await expect(messages.changes(999_999_999, 1)).rejects.toThrow(MailboxGone);
  await expect(messages.expunge(999_999_999)).rejects.toThrow(MailboxGone);
});
