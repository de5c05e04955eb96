import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { textLine } from '../../src/serve/log.ts';

const module = join(import.meta.dirname, '../../src/serve/log.ts');
const run = (format: string, code: string): string =>
  spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { openLog } from '${module}'; const log = openLog({ level: 'info', format: '${format}' }); ${code}`,
    ],
    { encoding: 'utf8' },
  ).stdout;

test('a line has time, level, facts and text, and is one line', () => {
  const line = JSON.parse(run('json', "log.child({ role: 'queue' }).warn({ queueId: 'abc' }, 'deferred');"));
  expect(line).toMatchObject({ level: 'warn', role: 'queue', queueId: 'abc', msg: 'deferred' });
  expect(Date.parse(line.time)).not.toBeNaN();
});

test('what is named like a secret is masked, two levels deep', () => {
  const out = run(
    'json',
    "log.info({ password: 'p1', site: { auth: { password: 'p2' }, token: 'p3' } }, 'x');",
  );
  expect(out).not.toMatch(/p[123]/);
  expect(out).toContain('(hidden)');
});

test('the level can be changed while running', () => {
  const out = run('json', "log.debug({}, 'unseen'); log.setLevel('debug'); log.debug({}, 'seen');");
  expect(out).toContain('"seen"');
  expect(out).not.toContain('unseen');
});

test('a flood of the same error is cut, in all children together; what is no alarm is not', () => {
  const out = run(
    'json',
    `const child = log.child({ role: 'queue' });
    for (let n = 0; n < 30; n += 1) { log.error({ n }, 'away'); child.error({ n }, 'away'); log.info({ n }, 'told'); }`,
  );
  expect(out.match(/"msg":"away"/g)).toHaveLength(20);
  expect(out.match(/"msg":"told"/g)).toHaveLength(30);
});

test('the stack of a condition that is known is for level debug only', () => {
  const code = `class DatabaseAway extends Error { name = 'DatabaseAway' }
    log.error({ error: new DatabaseAway('gone') }, 'x'); log.setLevel('debug'); log.error({ err: new DatabaseAway('gone') }, 'x');`;
  const [usual = '', debug = ''] = run('json', code).trim().split('\n');
  expect(JSON.parse(usual).error).toMatchObject({ message: 'gone' });
  expect(usual).not.toContain('stack');
  expect(JSON.parse(debug).err.stack).toContain('DatabaseAway: gone');
});

test('the text form is one readable line with the cause at its end', () => {
  expect(
    textLine(
      '{"level":"error","time":"2026-11-25T02:05:30.000Z","role":"queue","attempt":3,"error":{"message":"away"},"msg":"no database"}',
    ),
  ).toBe('02:05:30 error queue no database attempt=3 cause=away');
});

test('nothing in a fact makes a second line, or steers a terminal', () => {
  const facts = {
    level: 'warn',
    time: '2026-11-25T02:05:30.000Z',
    msg: 'refused',
    helo: 'x\n02:05:31 error forged\u001b[2J',
  };
  expect(textLine(JSON.stringify(facts))).toBe('02:05:30 warn  refused helo=x?02:05:31 error forged?[2J');
});

test.each(['json', 'text'])('%s: a reader of the log that goes away ends nobody', async (format) => {
  const code = `import { openLog } from '${module}'; const log = openLog({ level: 'info', format: '${format}' });
    log.info({}, 'first'); setInterval(() => log.info({}, 'more'), 20); setTimeout(() => process.exit(7), 500);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(7);
});
