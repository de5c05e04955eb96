/**
 * bench/directory - how the snapshot behaves with many objects: `npm run bench:directory -- [--json] [COUNT …]`.
 *
 * For each count: first load, a full read with nothing new, a full read with 1 % changed, incremental changes of
 * 0.1 %, the survey, lookups cold (each address once) and warm (a working set of 5,000), and the memory of this process.
 */
import { createHash } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { PgDirectory } from '../../src/directory/pg-directory.ts';
import { type RefreshContext, refresh } from '../../src/directory/refresh.ts';
import { survey } from '../../src/directory/survey.ts';
import { makeAddress } from '../../src/mail/address.ts';
import type { DirectorySource, SourceChange, SourceCursor, SourceEntry } from '../../src/ports/directory.ts';
import { silentLog } from '../../src/ports/log.ts';
import { freshDatabase } from '../fixture/database.ts';

const source = 'bench';
const never = new AbortController().signal;

function idOf(n: number): string {
  return `${source}/${createHash('md5').update(String(n)).digest('hex')}`;
}

const dnOf = (n: number): string => `cn=person ${n},ou=unit ${n % 100},dc=example,dc=org`;

/** Twenty people from anywhere, and for every tenth group's sake another group: nested at most six deep. */
function membersOf(n: number, count: number): number[] {
  const people = Array.from({ length: 20 }, (_, k) => {
    const any = (n * 7919 + k * 104_729) % count;
    return any % 20 === 19 ? any - 1 : any;
  });
  const inner = ((n - 19) / 20) * 10 + 3;
  return inner * 20 + 19 < count ? [...people, inner * 20 + 19] : people;
}

/** Every twentieth is a group; the rest are people with two addresses each. */
function entryOf(n: number, revision: number, count: number): SourceEntry {
  const isGroup = n % 20 === 19;
  const primary = makeAddress(isGroup ? `group.${n}` : `given.${n}`, 'example.org');
  return {
    id: idOf(n),
    where: dnOf(n),
    kind: isGroup ? 'group' : 'user',
    displayName: `Given Family ${n}, ${revision}`,
    primary,
    addresses: [primary, makeAddress(`a${n}`, 'example.mail.onmicrosoft.com')],
    x500: [`/o=Example/ou=Exchange Administrative Group/cn=Recipients/cn=${n}`],
    ...(!isGroup && { home: n % 2 === 0 ? 'onprem' : 'cloud' }),
    hiddenFromAddressLists: false,
    disabled: false,
    ...(isGroup && {
      group: {
        moderated: false,
        internalOnly: false,
        owners: [dnOf(n - 1)],
        reportTo: 'originator' as const,
        opaque: false,
        members: membersOf(n, count).map(dnOf),
      },
    }),
    attributes: { department: [`Department ${n % 50}`], company: ['Example'] },
    problems: [],
  };
}

function synthetic(count: number): DirectorySource & { revise(share: number): void } {
  let changed = 0;
  let revision = 0;
  const revisionOf = (n: number): number => (n < changed ? revision : 0);
  return {
    name: source,
    revise(share) {
      changed = Math.round(count * share);
      revision += 1;
    },
    async *everything(): AsyncGenerator<SourceEntry, SourceCursor> {
      for (let n = 0; n < count; n += 1) yield entryOf(n, revisionOf(n), count);
      return 'c';
    },
    async *changes(): AsyncGenerator<SourceChange, SourceCursor> {
      for (let n = 0; n < changed; n += 1) yield { change: 'upsert', entry: entryOf(n, revision, count) };
      return 'c';
    },
    async close() {},
  };
}

interface Figures {
  readonly objects: number;
  readonly firstLoadSeconds: number;
  readonly unchangedFullSeconds: number;
  readonly onePercentFullSeconds: number;
  readonly incrementalSeconds: number;
  readonly surveySeconds: number;
  readonly coldLookupsPerSecond: number;
  readonly coldWithGroupsPerSecond: number;
  readonly warmLookupsPerSecond: number;
  readonly strangersPerSecond: number;
  readonly rssBeforeMB: number;
  readonly rssPeakMB: number;
  readonly databaseMB: number;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round((performance.now() - began) / 10) / 100;
}

/** Lookups per second by `parallel` callers that each ask for one address at a time, as sessions do. */
async function lookups(
  directory: PgDirectory,
  total: number,
  groups: boolean,
  addressOf: (i: number) => string,
  parallel = 100,
): Promise<number> {
  let next = 0;
  const took = await seconds(() =>
    Promise.all(
      Array.from({ length: parallel }, async () => {
        for (let i = next++; i < total; i = next++) {
          await directory.lookup([makeAddress(addressOf(i), 'example.org')], { groups }, never);
        }
      }),
    ),
  );
  return Math.round(total / took);
}

const megabytes = (octets: number): number => Math.round(octets / 1024 / 1024);

async function measure(count: number, tell: (text: string) => void): Promise<Figures> {
  const fresh = await freshDatabase();
  const { database } = fresh;
  const rssBeforeMB = megabytes(process.memoryUsage.rss());
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 100);
  try {
    const bench = synthetic(count);
    const context: RefreshContext = {
      database,
      log: { ...silentLog, info: (facts, text) => tell(`${text} ${JSON.stringify(facts)}`) },
      now: () => new Date(),
      refuseLoss: { share: 0.3, atLeast: 50 },
      deletionsEvery: 900_000,
      fullEvery: 86_400_000,
    };
    const run = (full: boolean) => seconds(() => refresh(context, bench, { full }, never));
    tell(`${count} objects: first load`);
    const firstLoadSeconds = await run(true);
    const unchangedFullSeconds = await run(true);
    bench.revise(0.01);
    const onePercentFullSeconds = await run(true);
    bench.revise(0.001);
    const incrementalSeconds = await run(false);
    const surveySeconds = await seconds(() => survey(database, { sources: [source], precedence: [] }));
    tell('lookups');
    await using directory = await PgDirectory.open(
      database,
      {
        sources: [source],
        precedence: [],
        allowAge: 86_400_000,
        detailSeparator: '+',
        cache: { size: 32 << 20, age: 600_000 },
      },
      () => new Date(),
    );
    // A walk that meets people only, each once.
    const person = (i: number): string => `given.${(Math.floor(i / 19) * 20 + (i % 19)) % count}`;
    const sample = Math.min(count / 4, 50_000);
    const coldLookupsPerSecond = await lookups(directory, sample, false, person);
    const coldWithGroupsPerSecond = await lookups(directory, sample, true, person);
    await lookups(directory, 5_000, false, person);
    const warmLookupsPerSecond = await lookups(directory, 300_000, false, (i) => person(i % 5_000));
    const strangersPerSecond = await lookups(directory, sample, false, (i) => `nobody.${i}`);
    const [size] = await database.query<{ size: number }>(
      'select pg_database_size(current_database()) as size',
    );
    return {
      objects: count,
      firstLoadSeconds,
      unchangedFullSeconds,
      onePercentFullSeconds,
      incrementalSeconds,
      surveySeconds,
      coldLookupsPerSecond,
      coldWithGroupsPerSecond,
      warmLookupsPerSecond,
      strangersPerSecond,
      rssBeforeMB,
      rssPeakMB: megabytes(peak),
      databaseMB: megabytes(size!.size),
    };
  } finally {
    clearInterval(watch);
    await fresh.drop();
  }
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const counts = positionals.length > 0 ? positionals.map(Number) : [100_000, 1_000_000];
if (counts.some((count) => !Number.isInteger(count) || count < 1000)) {
  process.stderr.write('usage: node test/bench/directory.ts [--json] [COUNT …], each COUNT 1000 or more\n');
  process.exit(2);
}
const all: Figures[] = [];
for (const count of counts) {
  all.push(await measure(count, (text) => process.stderr.write(`${styleText('dim', text)}\n`)));
}
if (values.json) process.stdout.write(`${JSON.stringify(all)}\n`);
else {
  for (const name of Object.keys(all[0]!) as (keyof Figures)[]) {
    const cells = all.map((figures) => figures[name].toLocaleString('en-US').padStart(14));
    process.stdout.write(`${name.padEnd(26)}${cells.join('')}\n`);
  }
}
