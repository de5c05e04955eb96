/** `npm run demo` as a newcomer ends it: nothing is left behind. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command } from '../peers/command.ts';

const program = join(import.meta.dirname, '../../src/main.ts');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-demos-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('once: the last line is a summary, and all is where it should be', async () => {
  const ended = await command(process.execPath, [program, 'demo', '--once', '--json'], {
    env: { TMPDIR: folder },
    within: 120_000,
  });
  expect(ended.code).toBe(0);
  const summary = JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '');
  expect(summary).toMatchObject({ accepted: 15, delivered: 26, refused: 3, held: 2, lost: 0, unexpected: 0 });
  expect(readdirSync(folder)).toEqual([]);
}, 150_000);

test.each([
  ['its output is closed', (child: ReturnType<typeof spawn>) => child.stdout?.destroy()],
  ['its terminal is closed', (child: ReturnType<typeof spawn>) => child.kill('SIGHUP')],
])(
  '%s in the middle of the start: no process and no file is left',
  async (_, end) => {
    const child = spawn(process.execPath, [program, 'demo'], { env: { ...process.env, TMPDIR: folder } });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    end(child);
    expect(await ended).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
  },
  150_000,
);
