/** Starts that go wrong: the operator is told why, nothing loops for ever, and a node that runs is left alone. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Gateway, listener, startGateway } from '../fixture/gateway.ts';
import { until } from '../peers/command.ts';
import { freePort } from '../peers/postfix.ts';

const program = join(import.meta.dirname, '../../src/main.ts');
let gateway: Gateway | undefined;
let squatter: Server | undefined;

afterEach(async () => {
  await gateway?.remove();
  squatter?.close();
  gateway = undefined;
});

const occupy = (port: number): Promise<void> =>
  new Promise((resolve) => {
    squatter = createServer().listen(port, '127.0.0.1', resolve);
  });

/** A second `isthmus serve` on the gateway's configuration. */
function serveAgain(of: Gateway): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [program, 'serve', '--config', of.configFile]);
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (said += String(text)));
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, said })));
}

test.each([
  ['a process for each role', false],
  ['everything in one process', true],
])('a port that is taken ends the start, and it is said which: %s', async (_, single) => {
  const port = await freePort();
  await occupy(port);
  const started = startGateway({ single, config: { listeners: [listener('mx', port)] } });
  await expect(started).rejects.toThrow(
    new RegExp(`ended at once \\(69\\)[^]*listener mx: cannot bind 127.0.0.1 port ${port}`),
  );
});

test('a node on the same data folder is not disturbed by a second start, nor by its end', async () => {
  const port = await freePort();
  gateway = await startGateway({ config: { listeners: [listener('mx', port)] } });
  const { code, said } = await serveAgain(gateway);
  expect(code).toBe(69);
  expect(said).toContain(`runs already, as process ${gateway.pid}`);
  expect(gateway.lines().filter(({ level }) => level === 'error')).toEqual([]);
  expect((await gateway.isthmus('config', 'reload')).code).toBe(0);
  await until(
    'the reload',
    () => gateway?.lines().some(({ msg }) => msg === 'configuration reloaded') ?? false,
  );
});

test('a pid file that a crash left behind signals nobody', async () => {
  const port = await freePort();
  gateway = await startGateway({ config: { listeners: [listener('mx', port)] } });
  await gateway.stop();
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  try {
    writeFileSync(join(gateway.folder, 'data', 'isthmus.pid'), `${bystander.pid}\n`);
    const { code, stderr } = await gateway.isthmus('config', 'reload');
    expect(`${code} ${stderr}`).toMatch(/^69 isthmus: no running node/);
    expect(bystander.signalCode).toBeNull();
    await gateway.start();
    expect(readFileSync(join(gateway.folder, 'data', 'isthmus.pid'), 'utf8')).toBe(`${gateway.pid}\n`);
  } finally {
    bystander.kill('SIGKILL');
  }
});

test('SIGTERM ends a start that is not done, and SIGHUP does not kill it', async () => {
  const port = await freePort();
  gateway = await startGateway({ config: { listeners: [listener('mx', port)] } });
  await gateway.stop();
  const child = spawn(process.execPath, [program, 'serve', '--config', gateway.configFile]);
  let said = '';
  child.stdout.on('data', (text) => (said += String(text)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await until('its first words', () => said !== '');
  expect(said).not.toContain('"ready"');
  child.kill('SIGHUP');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(said).toContain('"stopped"');
  await until('its processes to end', () => gateway?.victims().length === 0, 10_000);
});
