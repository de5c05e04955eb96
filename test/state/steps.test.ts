import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { readSteps, runSteps, SchemaMismatch, stepsDue } from '../../src/state/steps.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

let fresh: FreshDatabase;
let folder: string;
beforeEach(async () => {
  fresh = await freshDatabase({ empty: true });
  folder = mkdtempSync(join(tmpdir(), 'isthmus-steps-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await fresh.drop();
});

const step = (file: string, sql: string) => writeFileSync(join(folder, file), sql);
const run = () => runSteps(fresh.database, silentLog, folder);
const names = async () =>
  (await fresh.database.query<{ name: string }>('select name from schema_step order by number')).map(
    ({ name }) => name,
  );

test('steps run once, in order of number', async () => {
  step('0002-more.sql', 'alter table thing add column name text; create index thing_name on thing (name);');
  step('0001-thing.sql', 'create table thing (id integer);');
  expect(await run()).toEqual({ from: 0, to: 2 });
  expect(await run()).toEqual({ from: 2, to: 2 });
  step('0010-later.sql', 'alter table thing add column later text;');
  expect(await run()).toEqual({ from: 2, to: 10 });
  expect(await names()).toEqual(['0001-thing', '0002-more', '0010-later']);
});

test('a step that fails leaves nothing of itself, and what came before stays', async () => {
  step('0001-good.sql', 'create table good (id integer);');
  step('0002-bad.sql', 'create table half (id integer); select 1/0;');
  await expect(run()).rejects.toThrow('schema step 0002-bad: division by zero');
  expect(await names()).toEqual(['0001-good']);
  expect(await fresh.database.query("select to_regclass('half') as half")).toEqual([{ half: null }]);
  step('0002-bad.sql', 'create table half (id integer);');
  expect(await run()).toEqual({ from: 1, to: 2 });
});

test('a database that a newer Isthmus wrote is refused', async () => {
  step('0001-a.sql', 'create table a (id integer);');
  step('0007-b.sql', 'create table b (id integer);');
  await run();
  rmSync(join(folder, '0007-b.sql'));
  await expect(run()).rejects.toThrow('written by a newer Isthmus: step 7 (0007-b), while this one knows 1');
});

test('a step that was edited after it ran is refused', async () => {
  step('0001-a.sql', 'create table a (id integer);');
  await run();
  step('0001-a.sql', 'create table a (id bigint);');
  await expect(run()).rejects.toThrow(/Step 1 \(0001-a\) is not the one .* edited afterwards/);
});

test('a step below one that ran, and an unknown one between, are refused', () => {
  const known = (number: number) => ({ number, name: `n${number}`, sha256: 'x', sql: '' });
  expect(() => stepsDue([known(1), known(2), known(3)], [known(1), known(3)])).toThrow(
    /Step 2 .* higher number/,
  );
  expect(() => stepsDue([known(1), known(3)], [known(1), known(2), known(3)])).toThrow(SchemaMismatch);
  expect(stepsDue([known(1), known(3)], [known(1)])).toEqual([known(3)]);
});

test('names that are no step names, and numbers given twice, are refused', () => {
  step('1-short.sql', '');
  expect(() => readSteps(folder)).toThrow('is not named like');
  rmSync(join(folder, '1-short.sql'));
  step('0001-a.sql', '');
  step('0001-b.sql', '');
  expect(() => readSteps(folder)).toThrow('one number: 0001-a and 0001-b');
});

test('two processes that start at once run each step once', async () => {
  step('0001-slow.sql', 'create table slow (id integer); select pg_sleep(0.3);');
  step('0002-next.sql', 'insert into slow values (1);');
  const source = (name: string) => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href);
  const program = `
    import { openDatabase } from ${source('state/database.ts')};
    import { runSteps } from ${source('state/steps.ts')};
    import { silentLog as log } from ${source('ports/log.ts')};
    const [url, folder] = process.argv.slice(1);
    const database = await openDatabase({ url, maxConnections: 2, statementTimeoutMs: 10000, connectTimeoutMs: 5000, applicationName: 'x', log });
    console.log(JSON.stringify(await runSteps(database, log, folder)));
    await database.close();`;
  const start = () =>
    spawn(process.execPath, ['--input-type=module', '-e', program, fresh.url, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const said = await Promise.all([start(), start()].map((child) => text(child.stdout)));
  expect(said.map((line) => JSON.parse(line)).toSorted((a, b) => a.from - b.from)).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 2 },
  ]);
  expect(await fresh.database.query('select count(*) as n from slow')).toEqual([{ n: 1 }]);
});

test('our own steps run on an empty database', async () => {
  const { from, to } = await runSteps(fresh.database, silentLog);
  expect(from).toBe(0);
  expect(to).toBeGreaterThan(0);
});
