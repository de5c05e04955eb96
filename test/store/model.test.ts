/**
 * Whatever is done in whatever order, the store holds what the plain model holds; and a client that only ever asks for
 * changes since its last MODSEQ sees the same.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MailboxId, MessageRow } from '../../src/mail/mailbox.ts';
import type { UidRange } from '../../src/mail/uid-set.ts';
import type { FlagChange } from '../../src/ports/messages.ts';
import {
  allRows,
  contradictions,
  letter,
  newAccount,
  newMailbox,
  openSetting,
  type Setting,
  stage,
} from './messages-setting.ts';
import { ModelMailbox } from './model.ts';

let setting: Setting;
let account: number;
let bodies: { body: number; size: number }[];
beforeAll(async () => {
  setting = await openSetting({ limits: { keywords: 1000 } });
  account = await newAccount(setting.database);
  bodies = [];
  for (const subject of ['a', 'bb', 'ccc']) bodies.push(await stage(setting.messages, letter(subject)));
});
afterAll(() => setting[Symbol.asyncDispose]());

/** One mailbox, its model, and a client that keeps up by changes alone. */
class Side {
  readonly id: MailboxId;
  readonly model = new ModelMailbox();
  readonly #seen = new Map<number, MessageRow>();
  since = 1;

  constructor(id: MailboxId) {
    this.id = id;
  }

  async check(): Promise<void> {
    const { messages } = setting;
    const { status, uids, firstUnseen } = await messages.snapshot(this.id);
    const there = this.model.uids([{ first: 1, last: 2 ** 32 }]);
    expect([...uids]).toEqual(there);
    expect(status).toMatchObject(this.model.totals);
    expect(firstUnseen).toBe(there.find((uid) => (this.model.messages.get(uid)!.system & 1) === 0));
    expect((await allRows(messages, this.id)).map(plain)).toEqual(there.map((uid) => this.#expected(uid)));
    await this.#follow(status.highestModSeq);
    expect([...this.#seen.values()].sort((a, b) => a.uid - b.uid).map(plain)).toEqual(
      there.map((uid) => this.#expected(uid)),
    );
  }

  async #follow(highest: number): Promise<void> {
    const { gone, rows, status, forgotten, more } = await setting.messages.changes(this.id, this.since);
    expect({ forgotten, more, highest: status.highestModSeq }).toEqual({
      forgotten: false,
      more: false,
      highest,
    });
    for (const row of rows) {
      expect(row.modSeq).toBeGreaterThan(this.since);
      expect(row.modSeq).toBeLessThanOrEqual(highest);
      this.#seen.set(row.uid, row);
    }
    for (const { first, last } of gone)
      for (const uid of this.#seen.keys()) if (first <= uid && uid <= last) this.#seen.delete(uid);
    expect(rows.length + gone.length > 0).toBe(highest > this.since);
    this.since = highest;
  }

  #expected(uid: number): unknown {
    const { body, size, system, keywords } = this.model.messages.get(uid)!;
    return { uid, body, size, system, keywords };
  }
}

const plain = ({ uid, body, size, flags }: MessageRow): unknown => ({
  ...{ uid, body, size, system: flags.system },
  keywords: [...flags.keywords].sort(),
});

type Step = (sides: readonly [Side, Side]) => Promise<void>;

const flags = fc.record({
  system: fc.nat(31),
  keywords: fc.uniqueArray(fc.constantFrom('Work', 'work', '$Label1', 'x'), {
    maxLength: 2,
    selector: (keyword) => keyword.toLowerCase(),
  }),
});
const uid = fc.integer({ min: 1, max: 14 });
const ranges: fc.Arbitrary<UidRange[]> = fc.array(fc.record({ first: uid, last: uid }), { maxLength: 3 });
const which = fc.constantFrom(0 as const, 1 as const);

const append = fc
  .record({
    to: fc.array(fc.record({ which, flags, body: fc.nat(2) }), { minLength: 1, maxLength: 4 }),
    replaces: fc.option(fc.record({ which, uid }), { freq: 3, nil: undefined }),
  })
  .map(
    ({ to, replaces }): Step =>
      async (sides) => {
        const old = replaces && { mailbox: sides[replaces.which].id, uid: replaces.uid };
        const result = await setting.messages.append(
          to.map((one, index) => ({
            mailbox: sides[one.which].id,
            body: bodies[one.body]!.body,
            flags: one.flags,
            ...(index === 0 && old !== undefined ? { replaces: old } : {}),
          })),
        );
        // Named before, so that nothing which came just now is meant.
        const there = replaces !== undefined && sides[replaces.which].model.messages.has(replaces.uid);
        const uids = to.map((one) => sides[one.which].model.add(bodies[one.body]!, one.flags));
        if (there) sides[replaces.which].model.messages.delete(replaces.uid);
        expect(result.map((one) => one.uid)).toEqual(uids);
      },
  );

const flag = fc
  .record({
    which,
    ranges,
    how: fc.constantFrom('set' as const, 'add' as const, 'remove' as const),
    flags,
    keep: fc.option(fc.record({ system: fc.nat(31), keywords: fc.boolean() }), { nil: undefined }),
    conditional: fc.boolean(),
  })
  .map(
    ({ which: at, ranges: uids, conditional, how, flags: named, keep }): Step =>
      async (sides) => {
        const side = sides[at];
        const change: FlagChange = {
          how,
          flags: named,
          ...(how === 'set' && keep !== undefined ? { keep } : {}),
        };
        const before = new Map(
          (await allRows(setting.messages, side.id)).map((row) => [row.uid, row.modSeq]),
        );
        const unchangedSince = Math.max(1, side.since - 2);
        const { changed, modified } = await setting.messages.flag(
          side.id,
          uids,
          change,
          conditional ? { unchangedSince } : {},
        );
        const asked = side.model.uids(uids);
        const late = asked.filter((one) => conditional && before.get(one)! > unchangedSince);
        const expected = side.model.flag(
          asked.filter((one) => !late.includes(one)),
          change,
        );
        expect(changed.map((row) => row.uid)).toEqual(expected);
        expect(modified.flatMap(({ first, last }) => span(first, last))).toEqual(late);
        for (const row of changed) expect(row.modSeq).toBeGreaterThan(before.get(row.uid)!);
      },
  );

const expunge = fc.record({ which, uids: fc.option(ranges, { nil: undefined }), anyway: fc.boolean() }).map(
  ({ which: at, uids, anyway }): Step =>
    async (sides) => {
      const { id, model } = sides[at];
      const { gone } = await setting.messages.expunge(id, uids, { anyway });
      const asked = model.uids(uids ?? [{ first: 1, last: 2 ** 32 }]);
      const expected = asked.filter((one) => anyway || (model.messages.get(one)!.system & 8) !== 0);
      for (const one of expected) model.messages.delete(one);
      expect(gone.flatMap(({ first, last }) => span(first, last))).toEqual(expected);
    },
);

const copyOrMove = fc.record({ from: which, to: which, ranges, move: fc.boolean() }).map(
  ({ from, to, ranges: uids, move }): Step =>
    async (sides) => {
      const [source, target] = [sides[from], sides[to]];
      const copied = await setting.messages[move ? 'move' : 'copy'](source.id, uids, target.id);
      const asked = source.model.uids(uids);
      if (asked.length === 0) return void expect(copied).toBeUndefined();
      const made = asked.map((one) => {
        const message = source.model.messages.get(one)!;
        return target.model.add(message, message);
      });
      if (move) for (const one of asked) source.model.messages.delete(one);
      expect(copied?.from.flatMap(({ first, last }) => span(first, last))).toEqual(asked);
      expect(copied?.to.flatMap(({ first, last }) => span(first, last))).toEqual(made);
    },
);

const span = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('random changes of two mailboxes', { timeout: 180_000 }, async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: append },
    { weight: 3, arbitrary: flag },
    expunge,
    copyOrMove,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const sides = [
        new Side(await newMailbox(setting.database, account)),
        new Side(await newMailbox(setting.database, account)),
      ] as const;
      for (const one of steps) {
        await one(sides);
        for (const side of sides) await side.check();
      }
      expect(await contradictions(setting.database)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});
