/**
 * bench/search - how long a search takes in a small and in a large mailbox of one store, by kind of search.
 *
 *   node test/bench/search.ts [messages of the large mailbox, default 100000] [of the small one, default 1000]
 *
 * Messages are made up, 3,000 different ones and copies of them: a vocabulary of 60,000 words by Zipf's law, 40 to 400 words each, and a header as mail has it.
 * Rows, texts and index are written as the store writes them; the octets of the messages are not there.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MailboxId } from '../../src/mail/mailbox.ts';
import type { SearchKey } from '../../src/mail/search.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';
import { startPrivateServer } from '../../src/state/private-server.ts';
import { runSteps } from '../../src/state/steps.ts';
import { openSearch } from '../../src/store/search.ts';
import { keepTexts } from '../../src/store/text-keep.ts';
import { makeTexts } from '../../src/store/text-make.ts';

const [large = 100_000, small = 1_000] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'bench-search-'));
chmodSync(folder, 0o711);
const server = await startPrivateServer({ dataDir: folder, log: silentLog });
const database = await openDatabase({
  url: server.url,
  maxConnections: 4,
  statementTimeoutMs: 3_600_000,
  connectTimeoutMs: 30_000,
  applicationName: 'bench',
  log: silentLog,
});
await runSteps(database, silentLog);

/** Processor time of the server's processes so far, milliseconds in steps of ten. */
function postgresMs(): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[1] === String(server.pid)) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {}
  }
  return 10 * ticks;
}

const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000 + postgresMs();

let seed = 1;
const random = (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
const letters = 'etaoinshrdlucmfwypvbgkqjxz';
const vocabulary = Array.from({ length: 60_000 }, () =>
  Array.from({ length: 3 + Math.floor(random() * 8) }, () => letters[Math.floor(random() ** 1.7 * 26)]).join(
    '',
  ),
);
/** Zipf's law, nearly. */
const word = (): string => vocabulary[Math.floor(vocabulary.length ** random()) - 1] ?? '';
const id = (): string => createHash('sha256').update(String(random())).digest('base64');

function message(number: number, more: string): string {
  const words = Array.from({ length: 40 + Math.floor(random() ** 3 * 360) }, word).join(' ');
  return [
    `Received: from mail.${word()}.example (10.1.2.3) by mx.example.org; Mon, 2 Nov 2026 10:11:12 +0000`,
    `DKIM-Signature: v=1; a=rsa-sha256; d=${word()}.example; s=s1; b=${id()}${id()}${id()}`,
    `From: ${word()} ${word()} <${word()}@${word()}.example>`,
    'To: Ada Lovelace <ada@example.org>',
    `Subject: ${word()} ${word()} ${word()} ${number}`,
    `Message-ID: <${id()}@${word()}.example>`,
    'Date: Mon, 2 Nov 2026 10:11:12 +0000',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `${words} ${more}`,
    '',
  ].join('\r\n');
}

async function fill(name: string, count: number, more: (at: number) => string): Promise<MailboxId> {
  const [account] = await database.query<{ id: number }>(
    'insert into account (name, created_at) values ($1, now()) returning id',
    [name],
  );
  const [mailbox] = await database.query<{ id: number }>(
    `insert into mailbox (account, name, object_id, messages, created_at) values ($1, 'INBOX', $2, $3, now()) returning id`,
    [account!.id, `F${name}`, count],
  );
  const batch = 500;
  const startedAt = performance.now();
  for (let at = 0; at < count; at += batch) {
    const texts = Array.from({ length: Math.min(batch, count - at) }, (_, n) =>
      message(at + n, more(at + n)),
    );
    const bodies = await database.query<{ id: number }>(
      `insert into body (hash, size, blob, structure, thread, sent_on, sent_at, sort_subject, staged_at)
       select sha256($1::bytea || n::text::bytea), 5000, gen_random_uuid()::text, '{"version":1,"summary":{}}', '\\x00',
         current_date, now(), md5(n::text), now() from generate_series(1, $2::int) n returning id`,
      [Buffer.from(`${name} ${at}`), texts.length],
    );
    await database.query(
      `insert into mailbox_message (mailbox, uid, mod_seq, system, internal_date, saved_date, body, size)
       select $1, $2 + n, $2 + n, case when n % 100 = 0 then 0 else 1 end, now() - interval '1 minute' * n, now(), b, 5000 + n % 900
       from unnest($3::int8[]) with ordinality as t (b, n)`,
      [mailbox!.id, at, bodies.map((body) => body.id)],
    );
    const making = bodies.map(async (body, n) => {
      const [header = '', content = ''] = texts[n]!.split('\r\n\r\n');
      const octets = Buffer.from(content);
      const leaf = { kind: 'text' as const, encoding: '7bit', charset: 'utf-8', octets };
      return {
        body: body.id,
        ...(await makeTexts({
          header: Buffer.from(header),
          partHeaders: [],
          leaves: [leaf],
          names: [],
          cut: false,
          characters: 1e6,
        })),
      };
    });
    const kept = await Promise.all(making);
    for (let n = 0; n < kept.length; n += 50) await keepTexts(database, kept.slice(n, n + 50));
    if ((at / batch) % 10 === 0)
      process.stderr.write(
        `\r${name}: ${at} of ${count}, ${Math.round((1000 * at) / (performance.now() - startedAt))} messages a second `,
      );
  }
  process.stderr.write('\n');
  return mailbox!.id;
}

/** Copies of messages that say nothing rare, until the mailbox has so many. */
async function swell(mailbox: MailboxId, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += from) {
    await database.query(
      `with n as (select body, row_number() over (order by uid) as k from mailbox_message
           where mailbox = $1 and uid <= least($3::int, $4::int - $2::int) and uid % 1000 <> 8),
         made as (insert into body (hash, size, blob, structure, thread, sent_on, sent_at, sort_subject, staged_at)
           select sha256(($2 || '/' || k)::bytea), 5000, gen_random_uuid()::text, '{"version":1,"summary":{}}', '\\x00',
             current_date, now(), md5(k::text), now() from n order by k returning id, hash),
         pairs as (select made.id, n.body, k from n join made on made.hash = sha256(($2 || '/' || k)::bytea)),
         rows as (insert into mailbox_message (mailbox, uid, mod_seq, system, internal_date, saved_date, body, size)
           select $1, $2 + k, $2 + k, case when k % 100 = 0 then 0 else 1 end, now() - interval '1 minute' * k, now(), id,
             5000 + k % 900 from pairs),
         texts as (insert into body_text (body, header, part_headers, content)
           select id, t.header, t.part_headers, t.content from pairs p join body_text t on t.body = p.body)
       insert into body_gram (body, grams) select id, g.grams from pairs p join body_gram g on g.body = p.body`,
      [mailbox, at, from, to],
    );
    await database.query('delete from body_due', []);
    process.stderr.write(`\rlarge: ${at} of ${to} `);
  }
  await database.query(
    'update mailbox set messages = (select count(*) from mailbox_message where mailbox = $1) where id = $1',
    [mailbox],
  );
  process.stderr.write('\n');
}

// Built at once an index costs less than grown: only the last messages are measured as they come.
await database.query('drop index body_gram_grams; drop index body_gram_sample; set synchronous_commit = off');
const distinct = Math.min(large, 3_000);
const boxes = {
  large: await fill('large', distinct, (at) =>
    [at % 3 === 0 ? 'everybodysays' : '', at % 1_000 === 7 ? 'zwoelfundsiebzig' : ''].join(' '),
  ),
  small: await fill('small', small, (at) =>
    [at % 500 === 7 ? 'everybodysays' : '', at % 100 === 7 ? 'zwoelfundsiebzig' : ''].join(' '),
  ),
};
await swell(boxes.large, distinct, large);
const buildAt = performance.now();
await database.query(`set maintenance_work_mem = '512MB'; create index body_gram_grams on body_gram using gin (grams);
  create index body_gram_sample on body_gram using gin (grams) where body & 63 = 0`);
console.log(`index built in ${((performance.now() - buildAt) / 1000).toFixed(0)} s`);
await database.query('vacuum analyze');
const indexAt = { ms: performance.now(), cpu: cpuMs() };
await fill('more', 1_000, () => '');
console.log(
  `1000 more made and indexed: ${((performance.now() - indexAt.ms) / 1_000).toFixed(1)} ms each, processor ${((cpuMs() - indexAt.cpu) / 1_000).toFixed(1)} ms`,
);
await database.query('vacuum analyze');

const search = openSearch({
  database,
  messages: {
    // biome-ignore lint/correctness/useYield: there is nothing to read
    content: async function* () {
      throw new Error('nothing is due');
    },
  },
  texts: { maker: { make: () => Promise.reject(new Error('nothing is due')) }, keep: true },
  limits: { readOctets: 0 },
  now: () => new Date(),
  log: silentLog,
});

const body = (text: string): SearchKey => ({ key: 'body', text });
const day = { year: 2026, month: 1, day: 1 };
const kinds: readonly (readonly [string, SearchKey])[] = [
  ['a rare word', body('zwoelfundsiebzig')],
  ['a word that is nowhere', body('qzxjqzxjqzxj')],
  ['a word frequent in the large one only', body('everybodysays')],
  ['a frequent word', body(vocabulary[20] ?? '')],
  ['two letters', body('zq')],
  ['FROM a rare word', { key: 'header', field: 'From', text: vocabulary[30_000] ?? '' }],
  ['TEXT a rare word', { key: 'text', text: vocabulary[40_000] ?? '' }],
  [
    'a rare word among the unseen',
    { key: 'and', keys: [body('zwoelfundsiebzig'), { key: 'flag', flag: '\\Seen', set: false }] },
  ],
  ['UNSEEN', { key: 'flag', flag: '\\Seen', set: false }],
  ['SEEN', { key: 'flag', flag: '\\Seen', set: true }],
  ['LARGER', { key: 'size', is: 'larger', than: 5_890 }],
  ['SENTBEFORE', { key: 'date', of: 'sent', is: 'before', day }],
];

const { signal } = new AbortController();
interface Took {
  /** Least, of all rounds. */
  readonly ms: number;
  /** Processor, mean. */
  readonly cpu: number;
  readonly found: number;
}

async function time(mailbox: MailboxId, key: SearchKey): Promise<Took> {
  let [ms, found, rounds] = [Number.POSITIVE_INFINITY, 0, 0];
  await search.find(mailbox, key, signal);
  const before = cpuMs();
  const until = performance.now() + 2_000;
  while (rounds < 3 || performance.now() < until) {
    const startedAt = performance.now();
    found = (await search.find(mailbox, key, signal)).uids.size;
    ms = Math.min(ms, performance.now() - startedAt);
    rounds++;
  }
  return { ms, cpu: (cpuMs() - before) / rounds, found };
}

const shown = ({ ms, cpu, found }: Took): string =>
  `${ms.toFixed(1).padStart(9)} ms ${cpu.toFixed(1).padStart(8)} ms ${String(found).padStart(7)}`;
console.log(
  `Messages in the mailbox: ${small} and ${large}. Least time; processor; found. Last: ratio of processor.`,
);
for (const [name, key] of kinds) {
  const [s, l] = [await time(boxes.small, key), await time(boxes.large, key)];
  console.log(`${name.padEnd(42)}${shown(s)}${shown(l)}${(l.cpu / s.cpu).toFixed(1).padStart(8)}`);
}
for (const by of ['arrival', 'subject'] as const) {
  const startedAt = performance.now();
  let count = 0;
  for await (const uids of search.sorted(boxes.large, { key: 'all' }, [{ by, reverse: false }], signal))
    count += uids.length;
  console.log(`SORT ${by} of ${count}: ${(performance.now() - startedAt).toFixed(0)} ms`);
}
const sizes = await database.query<{ name: string; size: string }>(
  `select relname as name, pg_size_pretty(pg_total_relation_size(oid) - case when relkind = 'r' then pg_indexes_size(oid) else 0 end) as size
   from pg_class where relname like 'body_text%' or relname like 'body_gram%' order by relname`,
  [],
);
for (const { name, size } of sizes) console.log(`${name.padEnd(30)}${size}`);
await database.close();
await server.stop();
rmSync(folder, { recursive: true, force: true });
