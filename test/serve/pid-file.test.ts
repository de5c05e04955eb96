import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { claimPidFile, releasePidFile, runningNode } from '../../src/serve/pid-file.ts';

let folder: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-pid-'));
  file = join(folder, 'isthmus.pid');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Something that runs until it is killed, with these words on its command line. */
async function bystander(...words: string[]): Promise<number> {
  const script = join(folder, words.shift() ?? 'x');
  writeFileSync(script, 'setInterval(() => {}, 1000)');
  const child = spawn(process.execPath, [script, ...words], { stdio: 'ignore' });
  children.push(child);
  await vi.waitFor(() => expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).toContain(script));
  return child.pid ?? 0;
}

test('the process that claimed the file is the node, until it releases it', () => {
  claimPidFile(file);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
  releasePidFile(file);
  expect(existsSync(file)).toBe(false);
});

test('a node on the same folder is found, and others leave it its file', async () => {
  const pid = await bystander('main.ts', 'serve', '--config', 'x');
  writeFileSync(file, `${pid}\n`);
  expect(runningNode(file)).toBe(pid);
  releasePidFile(file);
  expect(runningNode(file)).toBe(pid);
});

test.each([
  ['somebody else has the number now', ['other.ts', 'serve']],
  ['it is a role of some node', ['main.ts', 'role', 'receive']],
])('a file left by a crash is nobody: %s', async (_, words) => {
  writeFileSync(file, `${await bystander(...words)}\n`);
  expect(runningNode(file)).toBeUndefined();
  claimPidFile(file);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
});

test.each(['', '0\n', '1\n', '-1\n', 'NaN', '12 13\n', '999999999999999999\n', '4194999\n'])(
  'what is no number of a process signals nobody: %j',
  (text) => {
    writeFileSync(file, text);
    expect(runningNode(file)).toBeUndefined();
  },
);
