/**
 * torture/crash - the crash proof finds a liar out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { System } from '../fixture/system.ts';
import { SmtpClient } from '../peers/client.ts';
import { until } from '../peers/command.ts';
import { freePort } from '../peers/postfix.ts';
import { crash } from './crash.ts';
import { instant, isSound } from './ledger.ts';

async function startForgetful(ports: { readonly one: number; readonly two: number }): Promise<System> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const answers = () =>
    SmtpClient.open(port, 1_000).then(
      async (client) => {
        await client.quit();
        return true;
      },
      () => false,
    );
  const system: System = {
    name: 'isthmus',
    port,
    queued: async () => 0,
    victims: async () => (child?.pid === undefined ? [] : [{ kind: 'forgetful', pid: child.pid }]),
    alive: () => child?.exitCode === null && child.signalCode === null,
    async start() {
      const words = [join(import.meta.dirname, 'forgetful.ts'), port, ports.one, ports.two].map(String);
      child = spawn(process.execPath, words, { stdio: 'ignore' });
      await until('the forgetful relay to answer', answers, 10_000);
    },
    async stop() {
      child?.kill('SIGKILL');
      await until('it to be gone', () => !system.alive(), 5_000);
    },
    remove: () => system.stop(),
    log: async () => '',
  };
  await system.start();
  return system;
}

test('a relay that answers 250 before it has the message on disk is found out', async () => {
  const result = await crash({
    ...{ kills: 4, seed: 3, every: 400, rate: 100, sessions: 4, drainWithin: 5_000 },
    closeTo: instant,
    start: startForgetful,
    progress: () => {},
  });
  expect(result.kills).toHaveLength(4);
  expect(result.account.lost.length).toBeGreaterThan(0);
  expect(isSound(result.account)).toBe(false);
});
