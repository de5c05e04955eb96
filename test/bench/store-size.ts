/**
 * bench/store-size - does a mailbox of a million messages answer as fast as one of a thousand? Through a real PostgreSQL
 * with durable settings; times are medians, in milliseconds.
 *
 *   node test/bench/store-size.ts [--sizes=1000,100000,1000000] [--rounds=15] [--whole]
 *
 * --whole: also what a client asks of all messages at once, in seconds: flags of all changed, all copied, moved, expunged.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';
import { startPrivateServer } from '../../src/state/private-server.ts';
import { runSteps } from '../../src/state/steps.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { MemoryBlobs } from '../store/memory-blobs.ts';
import { everything, letter, newAccount, newMailbox } from '../store/messages-setting.ts';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,100000,1000000' },
    rounds: { type: 'string', default: '15' },
    whole: { type: 'boolean', default: false },
  },
});
const sizes = options.sizes.split(',').map(Number);
const rounds = Number(options.rounds);
const never = new AbortController().signal;
const flags = { system: 0, keywords: [] };
const seen = { system: 1, keywords: [] };

const folder = mkdtempSync(join(tmpdir(), 'bench-store-size-'));
chmodSync(folder, 0o711);
const server = await startPrivateServer({ dataDir: folder, log: silentLog });
try {
  const database = await openDatabase({
    url: server.url,
    maxConnections: 8,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'bench',
    log: silentLog,
  });
  await runSteps(database, silentLog);
  const store = openMessages({
    database,
    blobs: new MemoryBlobs(() => new Date()),
    now: () => new Date(),
    log: silentLog,
  });
  const account = await newAccount(database);
  const bodies: number[] = [];
  for (let i = 0; i < 1000; i++) bodies.push(await staged(`message ${i}`));
  const table: Record<string, Record<string, number>> = {};
  const note = (what: string, size: number, figure: number): void => {
    table[what] ??= {};
    table[what][`${size}`] = Math.round(figure * 100) / 100;
  };
  const boxes = new Map<number, number>();
  for (const size of sizes) {
    const box = await newMailbox(database, account);
    boxes.set(size, box);
    const start = performance.now();
    await fill(box, size);
    note('fill, messages a second', size, (size / (performance.now() - start)) * 1000);
  }
  await database.query('vacuum analyze');
  for (const [size, box] of boxes) {
    const near = (uid: number) => [{ first: Math.max(1, uid - 49), last: uid }];
    const middle = Math.ceil(size / 2);
    const measure = async (what: string, work: (round: number) => Promise<unknown>): Promise<void> =>
      note(what, size, await median(work));
    await measure('snapshot', () => store.snapshot(box));
    await measure('50 rows at the end', () => rows(box, near(size)));
    await measure('50 rows in the middle, with structure', () =>
      rows(box, near(middle), { structure: true }),
    );
    await measure('append of one', async (round) =>
      store.append([{ mailbox: box, body: bodies[round % bodies.length]!, flags }]),
    );
    await measure('flag of one', (round) =>
      store.flag(box, [{ first: middle + round, last: middle + round }], { how: 'add', flags: seen }),
    );
    const { highestModSeq } = (await store.snapshot(box)).status;
    await measure('changes, of which there is one', () => store.changes(box, highestModSeq - 1));
    await measure('rows of all, changed since', () =>
      rows(box, everything, { changedSince: highestModSeq - 1 }),
    );
    await measure('expunge of one', (round) =>
      store.expunge(box, [{ first: middle + round, last: middle + round }], { anyway: true }),
    );
  }
  if (options.whole)
    for (const [size, box] of boxes) {
      const to = await newMailbox(database, account);
      const seconds = async (what: string, work: () => Promise<unknown>): Promise<void> => {
        const before = performance.now();
        await work();
        note(what, size, (performance.now() - before) / 1000);
      };
      await seconds('seconds: all rows', () => rows(box, everything));
      await seconds('seconds: all flagged', () =>
        store.flag(box, everything, { how: 'add', flags: { system: 4, keywords: ['Work'] } }),
      );
      await seconds('seconds: all copied', () => store.copy(box, everything, to));
      await seconds('seconds: all moved', () => store.move(to, everything, box));
      await seconds('seconds: all expunged', () => store.expunge(box, everything, { anyway: true }));
    }
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  for (const row of Object.values(table))
    row.ratio = Math.round((row[`${most}`]! / row[`${least}`]!) * 100) / 100;
  console.table(table);
  console.log(`memory of this process: ${Math.round(process.memoryUsage().rss / 1e6)} MB`);
  await store.close();
  await database.close();

  async function staged(subject: string): Promise<number> {
    async function* content(): AsyncGenerator<Uint8Array> {
      yield letter(subject, [`Message-ID: <${subject.replace(' ', '.')}@bench>`]);
    }
    return (await store.stage(content(), 1e6, never)).body;
  }

  async function fill(box: number, size: number): Promise<void> {
    for (let from = 0; from < size; from += 1000)
      await store.append(
        Array.from({ length: Math.min(1000, size - from) }, (_, index) => ({
          mailbox: box,
          body: bodies[index]!,
          // What is not seen lies at the end.
          flags: from + index >= size - 10 ? flags : seen,
        })),
      );
  }

  async function rows(
    box: number,
    uids: Parameters<typeof store.rows>[1],
    want: Parameters<typeof store.rows>[2] = {},
  ): Promise<void> {
    for await (const _ of store.rows(box, uids, want, never));
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** After one for warmth. */
async function median(work: (round: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    await work(round);
    if (round > 0) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[rounds >> 1] ?? 0;
}
