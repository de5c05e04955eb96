/** Searching what the store itself has staged and appended, as mail comes. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { MailboxId, MessageRow } from '../../src/mail/mailbox.ts';
import type { SearchKey, SortBy } from '../../src/mail/search.ts';
import { silentLog } from '../../src/ports/log.ts';
import type { Search } from '../../src/ports/search.ts';
import { indexBacklog, indexSome } from '../../src/store/index-due.ts';
import type { MessagesOptions } from '../../src/store/open-messages.ts';
import { openSearch } from '../../src/store/search.ts';
import {
  everything,
  never,
  newAccount,
  newMailbox,
  openSetting,
  pieces,
  type Setting,
} from './messages-setting.ts';
import { atOnce } from './search-parts.ts';

interface Place extends AsyncDisposable {
  readonly setting: Setting;
  readonly mailbox: MailboxId;
  readonly search: Search;
  append(...lines: readonly string[]): Promise<number>;
  uids(key: SearchKey): Promise<number[]>;
  index(): Promise<number>;
}

async function place(options: Partial<MessagesOptions> = {}, keep = true): Promise<Place> {
  const setting = await openSetting(options);
  const { database, messages } = setting;
  const mailbox = await newMailbox(database, await newAccount(database));
  const search = openSearch({
    database,
    messages,
    texts: { maker: atOnce, keep },
    limits: { readOctets: 1e9 },
    now: () => setting.now,
    log: silentLog,
  });
  return {
    setting,
    mailbox,
    search,
    async append(...lines) {
      const octets = Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'utf8');
      const { body } = await messages.stage(pieces(octets), 1e8, never);
      const [appended] = await messages.append([{ mailbox, body, flags: { system: 0, keywords: [] } }]);
      return appended!.uid;
    },
    uids: async (key) => [...(await search.find(mailbox, key, never)).uids],
    index: () =>
      indexSome({ database, messages, maker: atOnce, now: () => setting.now, log: silentLog }, never),
    [Symbol.asyncDispose]: () => setting[Symbol.asyncDispose](),
  };
}

const body = (text: string): SearchKey => ({ key: 'body', text });

test('a message is found by its text at once, and after it was indexed', async () => {
  await using here = await place({ compress: true });
  await here.append('Subject: one', '', `Grüße ${'an alle '.repeat(2_000)}`);
  await here.append('Subject: two', '', 'nobody');
  expect(await here.uids(body('GRÜSSE'))).toEqual([1]);
  await here.append('Subject: three', '', 'viele Grüße');
  expect(await here.index()).toBe(1);
  expect(await indexBacklog(here.setting.database)).toMatchObject({ bodies: 0 });
  expect(await here.uids(body('grüsse'))).toEqual([1, 3]);
});

test('copies of a message are found wherever they are, and where they are no more they are not', async () => {
  await using here = await place();
  const { database, messages } = here.setting;
  await here.append('Subject: copied', '', 'needle');
  const other = await newMailbox(database, await newAccount(database));
  await messages.copy(here.mailbox, everything, other);
  await here.index();
  const there = async (): Promise<number[]> => [
    ...(await here.search.find(other, body('needle'), never)).uids,
  ];
  expect(await there()).toEqual([1]);
  await messages.expunge(other, everything, { anyway: true });
  expect(await there()).toEqual([]);
  expect(await here.uids(body('needle'))).toEqual([1]);
});

test('sealed messages are found by reading, and what they say is kept nowhere in the clear', async () => {
  const keys = [{ number: 1, key: randomBytes(32) }];
  await using here = await place({ keys, limits: { inlineLimit: 100 } }, false);
  await here.append('Subject: sealed', '', `top secret ${'x'.repeat(5_000)}`);
  expect(await here.uids(body('Top Secret'))).toEqual([1]);
  expect(await here.uids({ key: 'not', not: body('Top Secret') })).toEqual([]);
  for (const table of ['body_text', 'body_gram'])
    expect(await here.setting.database.query(`select body from ${table}`, [])).toEqual([]);
});

test('object ids, dates and sizes that rows tell are found', async () => {
  await using here = await place();
  const first = await here.append('Message-ID: <a@x>', 'Date: Fri, 31 Jan 2020 23:30:00 -0800', '', 'a');
  const reply = await here.append('Message-ID: <b@x>', 'References: <a@x>', '', 'b');
  await here.append('Message-ID: <c@x>', '', 'c');
  const rows: MessageRow[] = [];
  for await (const batch of here.setting.messages.rows(here.mailbox, everything, {}, never))
    rows.push(...batch);
  const [row] = rows as [MessageRow];
  expect(await here.uids({ key: 'emailId', id: row.emailId })).toEqual([first]);
  expect(await here.uids({ key: 'threadId', id: row.threadId })).toEqual([first, reply]);
  expect(await here.uids({ key: 'size', is: 'larger', than: row.size - 1 })).toContain(first);
  const sent = { key: 'date', of: 'sent', is: 'on', day: { year: 2020, month: 1, day: 31 } } as const;
  expect(await here.uids(sent)).toEqual([first]);
});

test('messages are sorted as RFC 5256 §3 and RFC 5957 §3 say', async () => {
  await using here = await place();
  const message = (from: string, subject: string, date: string): Promise<number> =>
    here.append(`From: ${from}`, `Subject: ${subject}`, `Date: ${date}`, '', 'x');
  await message('Zoe <a@x.example>', 'Re: banana', 'Mon, 2 Mar 2020 10:00:00 +0000');
  await message('=?utf-8?q?=C3=A4da?= <c@x.example>', '[list] Apple', 'Mon, 2 Mar 2020 10:30:00 +0100');
  await message('b@x.example', 'Fwd: APPLE (fwd)', 'Mon, 2 Mar 2020 09:45:00 +0000');
  const by = async (criterion: SortBy, reverse = false): Promise<number[]> => {
    const order: number[] = [];
    for await (const uids of here.search.sorted(
      here.mailbox,
      { key: 'all' },
      [{ by: criterion, reverse }],
      never,
    ))
      order.push(...uids);
    return order;
  };
  expect(await by('from')).toEqual([1, 3, 2]);
  expect(await by('displayFrom')).toEqual([2, 3, 1]);
  expect(await by('subject')).toEqual([2, 3, 1]);
  expect(await by('subject', true)).toEqual([1, 2, 3]);
  expect(await by('date')).toEqual([2, 3, 1]);
  expect(await by('arrival')).toEqual([1, 2, 3]);
});
