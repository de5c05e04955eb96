/** Many at once, in several processes' stead, on the same mailboxes in all directions: nobody waits for ever, nothing is wrong. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { BodyGone } from '../../src/ports/messages.ts';
import type { Messages } from '../../src/store/open-messages.ts';
import { Sweeper } from '../../src/store/sweep.ts';
import {
  allRows,
  contradictions,
  everything,
  letter,
  never,
  newAccount,
  newMailbox,
  openSetting,
  read,
  type Setting,
  stage,
} from './messages-setting.ts';

let setting: Setting;
let boxes: number[];
beforeAll(async () => {
  setting = await openSetting({ limits: { keywords: 30 } });
  const account = await newAccount(setting.database);
  boxes = [];
  for (let i = 0; i < 4; i++) boxes.push(await newMailbox(setting.database, account));
});
afterAll(() => setting[Symbol.asyncDispose]());

/** Numbers from a seed, so that a failure can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

async function disturb(messages: Messages, session: number, steps: number): Promise<void> {
  const pick = numbers(session * 7919 + 1);
  const some = () => [{ first: 1 + pick(40), last: 1 + pick(400) }];
  for (let step = 0; step < steps; step++) {
    const [one, other] = [boxes[pick(4)]!, boxes[pick(4)]!];
    const flags = { system: pick(32), keywords: pick(3) === 0 ? [`K${pick(40)}`] : [] };
    switch (pick(8)) {
      case 0:
        await messages.copy(one, [{ first: 1 + pick(40), last: 60 }], other);
        break;
      case 1:
        await messages.move(one, some(), other);
        break;
      case 2:
        await messages.flag(one, some(), { how: (['set', 'add', 'remove'] as const)[pick(3)]!, flags });
        break;
      case 3:
        await messages.expunge(one);
        break;
      case 4:
        await messages.snapshot(one, { takeRecent: true });
        await messages.changes(one, 1);
        break;
      default: {
        const { body } = await stage(messages, letter(`stress ${pick(30)}`));
        const replaces = { mailbox: other, uid: 1 + pick(60) };
        await messages
          .append([
            { mailbox: one, body, flags, ...(pick(4) === 0 ? { replaces } : {}) },
            { mailbox: other, body, flags },
          ])
          .catch((error: unknown) => expect(error).toBeInstanceOf(BodyGone));
      }
    }
  }
}

test('twelve sessions of three stores, and a sweep that thinks it is next month', {
  timeout: 120_000,
}, async () => {
  const stores = [setting.messages, setting.open(), setting.open()];
  const sweeper = new Sweeper({
    database: setting.database,
    blobs: setting.blobs,
    keepExpunged: 0,
    now: () => new Date(setting.now.getTime() + 30 * 86_400_000),
    log: silentLog,
  });
  let done = false;
  const sweeping = (async () => {
    let swept = 0;
    while (!done) {
      const { bodies, expunged } = await sweeper.sweep(never);
      swept += bodies + expunged;
    }
    return swept;
  })();
  await Promise.all(
    stores.flatMap((messages, store) =>
      [1, 2, 3, 4].map((session) => disturb(messages, store * 10 + session, 30)),
    ),
  ).finally(() => {
    done = true;
  });
  expect(await sweeping).toBeGreaterThan(0);
  expect(await contradictions(setting.database)).toEqual([]);
  for (const box of boxes) {
    const rows = await allRows(setting.messages, box, everything);
    for (const { body, size } of rows.slice(0, 20))
      expect((await read(setting.messages, body)).length).toBe(size);
  }
});
