import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sieveCommand } from '../../src/admin/cli/sieve.ts';
import type { Terminal } from '../../src/admin/services.ts';
import { checkByHand, runByHand } from '../../src/sieve/by-hand.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-sieve-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const message = file('m.eml', 'From: a@example.org\r\nSubject: tea\r\n\r\nNow?\r\n');

async function command(...words: string[]): Promise<{ out: string; code: number | undefined }> {
  const lines: string[] = [];
  let code: number | undefined;
  const terminal: Terminal = {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    exit: (given) => {
      code = given;
    },
    signal: new AbortController().signal,
    now: () => new Date(0),
    operator: 'test',
  };
  await sieveCommand({ check: checkByHand, run: runByHand }, terminal)
    .exitOverride()
    .parseAsync(words, { from: 'user' });
  return { out: lines.join('\n'), code };
}

test('check tells every mistake with its place', async () => {
  const bad = file('bad.sieve', 'kepe;\nstop 1;\n');
  const { out, code } = await command('check', bad);
  expect(out).toBe(
    `${bad}:1:1: error: unknown command 'kepe': did you mean 'keep'?\n${bad}:2:6: error: the stop command accepts no positional arguments, but 1 is specified`,
  );
  expect(code).toBe(1);
});

test('run tells what would happen and why, scripts beside it included', async () => {
  file('other.sieve', 'require "fileinto"; fileinto "Drinks";');
  const script = file('good.sieve', 'require "include";\nif header "subject" "tea" { include "other"; }\n');
  const { out, code } = await command('run', script, message);
  expect(out).toBe(
    '  line 2: if header "subject" "tea": yes\nfile into "Drinks" (line 1: fileinto "Drinks", because of line 2: if header "subject" "tea")',
  );
  expect(code).toBe(0);
});

test('a script that fails at a message says so, and what becomes of the message', async () => {
  const script = file('fails.sieve', 'require "ihave"; error "enough";');
  const { out, code } = await command('run', '--json', script, message);
  expect(JSON.parse(out)).toMatchObject({
    outcome: { problem: { text: 'enough' }, actions: [{ kind: 'keep', implicit: true }] },
  });
  expect(code).toBe(1);
});

test('a file that is not there is wrong usage', async () => {
  await expect(command('check', join(folder, 'none'))).rejects.toThrow('cannot be read');
});
