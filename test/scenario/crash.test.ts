/**
 * scenario/crash - nothing that was answered with 250 is ever lost: fifty kills at random instants, under load.
 *
 * The long form is `npm run torture -- --kills 2000`.
 */
import { expect, test } from 'vitest';
import { gatewayInTheMiddle } from '../fixture/gateway.ts';
import { crash } from '../torture/crash.ts';
import { instant, printAccount } from '../torture/ledger.ts';

const kills = 52;

test(`${kills} times kill -9 under load: every promise is kept, every duplicate explained`, {
  timeout: 420_000,
}, async () => {
  const seed = 20_261_123;
  const result = await crash({
    kills,
    seed,
    every: 1_200,
    rate: 40,
    sessions: 8,
    closeTo: { ...instant, carriers: ['receive', 'queue'], keeper: 'supervisor' },
    drainWithin: 90_000,
    start: ({ one, two }) =>
      gatewayInTheMiddle([
        { site: 'one', domains: ['one.test'], port: one },
        { site: 'two', domains: ['two.test'], port: two },
      ]),
    progress: (text) => process.stderr.write(text),
  });
  const story = `${printAccount(result.account, result.kills)}\n${result.log}`;
  process.stderr.write(`${printAccount(result.account, result.kills)}\n`);
  expect(result.kills, story).toHaveLength(kills);
  expect(new Set(result.kills.map(({ kind }) => kind)), story).toEqual(
    new Set(['supervisor', 'receive', 'queue', 'admin', 'database', 'database backend']),
  );
  expect(result.left, story).toBe(0);
  expect(result.account.promises, story).toBeGreaterThan(kills);
  expect(result.account.lost, story).toEqual([]);
  expect(result.account.unexplained, story).toEqual([]);
  expect(result.account.strangers, story).toEqual([]);
});
