import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Log } from '../../src/ports/log.ts';
import { Supervisor } from '../../src/serve/supervisor.ts';

const script = join(import.meta.dirname, 'fixture-role.ts');
const lines: { text: string; facts: Record<string, unknown> }[] = [];
const keep = (facts: object, text: string) =>
  void lines.push({ text, facts: facts as Record<string, unknown> });
const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
const said = (text: string) => lines.filter((line) => line.text.includes(text));

let running: Supervisor | undefined;
function supervise(
  roles: { name: string; copies: number }[],
  graceMs = 2_000,
  readyWithin = 20_000,
): Supervisor {
  lines.length = 0;
  running = new Supervisor({
    roles,
    command: (role) => [script, role],
    log,
    graceMs,
    backOff: { first: 20, longest: 200 },
    readyWithin,
  });
  return running;
}
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const until = (check: () => boolean) =>
  vi.waitFor(() => expect(check()).toBe(true), { timeout: 20_000, interval: 20 });
const alive = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('all copies of all roles are ready when start resolves', async () => {
  const supervisor = supervise([
    { name: 'receive', copies: 1 },
    { name: 'queue', copies: 2 },
  ]);
  await supervisor.start({});
  expect(supervisor.states().map(({ role, copy, state }) => `${role}/${copy} ${state}`)).toEqual([
    'receive/0 ready',
    'queue/0 ready',
    'queue/1 ready',
  ]);
});

test('a role that is killed is started again, and the others are left alone', async () => {
  const supervisor = supervise([
    { name: 'receive', copies: 1 },
    { name: 'queue', copies: 1 },
  ]);
  await supervisor.start({});
  const [receive, queue] = supervisor.states();
  process.kill(queue?.pid ?? 0, 'SIGKILL');
  await until(() => supervisor.states()[1]?.restarts === 1 && supervisor.states()[1]?.state === 'ready');
  expect(supervisor.states()[0]?.pid).toBe(receive?.pid);
  expect(supervisor.states()[1]?.pid).not.toBe(queue?.pid);
});

test('a role that keeps dying is started again after longer and longer waits', async () => {
  const supervisor = supervise([{ name: 'queue', copies: 1 }]);
  await supervisor.start({ crashAfterMs: 1 });
  await until(() => said('ended unexpectedly').length >= 3);
  expect(
    said('ended unexpectedly')
      .map((line) => line.facts.againInMs)
      .slice(0, 3),
  ).toEqual([20, 40, 80]);
});

test('a reload reaches every role, and a role that refuses says why', async () => {
  const supervisor = supervise([{ name: 'receive', copies: 2 }]);
  await supervisor.start({});
  expect(await supervisor.reload({})).toEqual([]);
  expect(await supervisor.reload({ refuseReload: true })).toEqual([
    { role: 'receive', trouble: 'will not' },
    { role: 'receive/1', trouble: 'will not' },
  ]);
});

test('a role that does not drain in time is killed', async () => {
  const supervisor = supervise([{ name: 'receive', copies: 1 }], 100);
  await supervisor.start({ drainMs: 60_000 });
  const pid = supervisor.states()[0]?.pid;
  await supervisor.stop();
  expect(alive(pid)).toBe(false);
  expect(supervisor.states()[0]?.state).toBe('stopped');
});

test('a role that never becomes ready is killed and started again', async () => {
  const supervisor = supervise([{ name: 'queue', copies: 1 }], 500, 1_500);
  void supervisor.start({ neverReady: true });
  await until(() => said('not ready in time').length >= 1 && said('role started').length >= 2);
});

test('a role that cannot start at all is tried a few times, and start says why', async () => {
  const supervisor = supervise([{ name: 'receive', copies: 1 }]);
  await expect(supervisor.start({ cannotStart: 'port 25 is taken' })).rejects.toThrow(
    'receive cannot start: port 25 is taken',
  );
  expect(said('role cannot start: port 25 is taken').length).toBeGreaterThanOrEqual(2);
});

test('stop ends a start that would take for ever', async () => {
  const supervisor = supervise([{ name: 'queue', copies: 1 }], 200);
  const started = supervisor.start({ neverReady: true });
  await until(() => said('role started').length === 1);
  await supervisor.stop();
  await started;
  expect(supervisor.states()[0]?.state).toBe('stopped');
});

test('a role that is starting while the others are reloaded gets the new settings as soon as it is ready', async () => {
  const supervisor = supervise([{ name: 'queue', copies: 1 }]);
  const started = supervisor.start({ readyAfterMs: 400 });
  await until(() => said('role started').length === 1);
  expect(await supervisor.reload({ refuseReload: true })).toEqual([]);
  await started;
  await until(() => said('role kept its old settings').length === 1);
  expect(said('role kept its old settings')[0]?.facts).toMatchObject({ role: 'queue', trouble: 'will not' });
});

describe('a reload is for all roles or for none', () => {
  let folder: string;
  let record: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'isthmus-supervisor-'));
    record = join(folder, 'taken');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  /** What a role took last. */
  const last = (role: string) =>
    readFileSync(record, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${role} `))
      .at(-1);
  const both = [
    { name: 'receive', copies: 1 },
    { name: 'queue', copies: 1 },
  ];

  test('where one refuses, the others are given back the old settings, and it is said', async () => {
    const supervisor = supervise(both);
    await supervisor.start({ record, label: 'old' });
    expect(await supervisor.reload({ record, label: 'new', refuseReload: 'queue' })).toEqual([
      { role: 'queue', trouble: 'will not' },
    ]);
    expect(readFileSync(record, 'utf8')).toContain('receive new');
    expect([last('receive'), last('queue')]).toEqual(['receive old', 'queue old']);
    expect(said('new settings were refused')[0]?.facts).toEqual({ roles: ['receive', 'queue'] });
    expect(said('did not take back')).toEqual([]);
  });

  test('a role that is started later gets the settings that all have taken, never the refused ones', async () => {
    const supervisor = supervise(both);
    await supervisor.start({ record, label: 'old' });
    const restart = async (restarts: number) => {
      process.kill(supervisor.states()[0]?.pid ?? 0, 'SIGKILL');
      await until(() => {
        const [receive] = supervisor.states();
        return receive?.restarts === restarts && receive.state === 'ready';
      });
      return last('receive');
    };
    await supervisor.reload({ record, label: 'refused', refuseReload: 'queue' });
    expect(await restart(1)).toBe('receive old');
    expect(await supervisor.reload({ record, label: 'taken' })).toEqual([]);
    expect(await restart(2)).toBe('receive taken');
  });

  test('a role that ends over them refuses them', async () => {
    const supervisor = supervise(both);
    await supervisor.start({ record, label: 'old' });
    expect(await supervisor.reload({ record, label: 'deadly', endAtReload: true })).toEqual([
      { role: 'receive', trouble: 'it ended meanwhile' },
      { role: 'queue', trouble: 'it ended meanwhile' },
    ]);
    await until(() =>
      supervisor.states().every(({ state, restarts }) => state === 'ready' && restarts === 1),
    );
    expect([last('receive'), last('queue')]).toEqual(['receive old', 'queue old']);
  });

  test('two reloads at once are done in turn: the last one that all take is in force', async () => {
    const supervisor = supervise(both);
    await supervisor.start({ record, label: 'old' });
    const answers = await Promise.all([
      supervisor.reload({ record, label: 'slow', reloadMs: 200 }),
      supervisor.reload({ record, label: 'refused', refuseReload: 'receive' }),
    ]);
    expect(answers).toEqual([[], [{ role: 'receive', trouble: 'will not' }]]);
    expect([last('receive'), last('queue')]).toEqual(['receive slow', 'queue slow']);
  });

  test('a role that refuses what the others took while it started goes on with the old, also when started again', async () => {
    const supervisor = supervise([{ name: 'queue', copies: 1 }]);
    const started = supervisor.start({ record, label: 'old', readyAfterMs: 400 });
    await until(() => said('role started').length === 1);
    await supervisor.reload({ record, label: 'new', refuseReload: true });
    await started;
    await until(() => said('new settings were refused').length === 1);
    process.kill(supervisor.states()[0]?.pid ?? 0, 'SIGKILL');
    await until(() => supervisor.states()[0]?.restarts === 1 && supervisor.states()[0]?.state === 'ready');
    expect(readFileSync(record, 'utf8')).not.toContain('new');
    expect(await supervisor.reload({ record, label: 'better' })).toEqual([]);
    expect(last('queue')).toBe('queue better');
  });
});
