/**
 * Whatever happens in a mailbox: who follows ADDTO and REMOVEFROM has what a search would find, in the order that a sort
 * would give.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let count = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const numbers = (set: string): number[] =>
  set.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split(':').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });

let changes = 0;

/** A client that has never searched again. */
class Follower {
  readonly #tag: string;
  readonly #isUid: boolean;
  list: number[];

  constructor(tag: string, isUid: boolean, first: readonly number[]) {
    this.#tag = tag;
    this.#isUid = isUid;
    this.list = [...first];
  }

  follow(line: string): void {
    const expunged = /^\* (\d+) EXPUNGE$/.exec(line);
    if (expunged !== null && !this.#isUid) {
      const gone = Number(expunged[1]);
      expect(this.list).not.toContain(gone);
      this.list = this.list.map((one) => (one > gone ? one - 1 : one));
    }
    if (!line.startsWith(`* ESEARCH (TAG "${this.#tag}")`)) return;
    for (const [, what, pairs = ''] of line.matchAll(/(ADDTO|REMOVEFROM) \(([^)]*)\)/g)) {
      const words = pairs.split(' ');
      for (let at = 0; at < words.length; at += 2)
        this.#change(what === 'ADDTO', Number(words[at]), numbers(words[at + 1] ?? ''));
    }
  }

  #change(adds: boolean, position: number, changed: readonly number[]): void {
    changes += 1;
    for (const one of changed) expect(this.list.includes(one)).toBe(!adds);
    if (position === 0)
      this.list = adds
        ? [...this.list, ...changed].sort((a, b) => a - b)
        : this.list.filter((one) => !changed.includes(one));
    else if (adds) this.list.splice(position - 1, 0, ...changed);
    else expect(this.list.splice(position - 1, changed.length)).toEqual(changed);
  }
}

const words = ['ant', 'bee', 'cat', 'dog', 'eel'];
type Step = readonly ['append' | 'flag' | 'unflag' | 'expunge' | 'own' | 'look', number];

async function perform(me: ImapTalk, other: ImapTalk, [what, n]: Step, lines: string[]): Promise<void> {
  const uid = n + 1;
  switch (what) {
    case 'append':
      await other.append('INBOX', letter(words[n % 5] ?? ''), n % 2 === 0 ? '(\\Seen)' : '');
      break;
    case 'flag':
      await other.ok(`UID STORE ${uid} +FLAGS.SILENT (\\Seen)`);
      break;
    case 'unflag':
      await other.ok(`UID STORE ${uid} -FLAGS.SILENT (\\Seen)`);
      break;
    case 'expunge':
      await other.ok(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`);
      await other.ok(`UID EXPUNGE ${uid}`);
      break;
    case 'own':
      lines.push(...(await me.ok(`UID STORE ${uid} ${n % 2 === 0 ? '+' : '-'}FLAGS.SILENT (\\Seen)`)));
      break;
    case 'look':
      lines.push(...(await me.ok(n % 2 === 0 ? 'NOOP' : 'FETCH 1:* UID')));
  }
}

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('append', 'append', 'flag', 'unflag', 'expunge', 'own', 'look'),
  fc.nat(9),
);

test('who follows has what is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
      const name = `user${++count}`;
      await server.tree.accounts.create({ name });
      const [me, other] = [await server.as(name), await server.as(name)];
      for (const word of ['cat', 'ant', 'dog']) await me.append('INBOX', letter(word));
      await me.ok('SELECT INBOX');
      await other.ok('SELECT INBOX');
      me.write('t1 SEARCH RETURN (ALL UPDATE) UNSEEN\r\n');
      await me.until('t1');
      me.write('t2 UID SORT RETURN (ALL UPDATE) (REVERSE SUBJECT) UTF-8 UNSEEN\r\n');
      await me.until('t2');
      const found = new Follower('t1', false, [1, 2, 3]);
      const sorted = new Follower('t2', true, [3, 1, 2]);
      const lines: string[] = [];
      for (const one of steps) await perform(me, other, one, lines);
      lines.push(...(await me.ok('NOOP')));
      for (const line of lines) for (const follower of [found, sorted]) follower.follow(line);
      const search = (await me.ok('SEARCH UNSEEN')).at(-1);
      expect(`* SEARCH${found.list.map((one) => ` ${one}`).join('')}`).toBe(search);
      const sort = (await me.ok('UID SORT (REVERSE SUBJECT) UTF-8 UNSEEN')).at(-1);
      expect(`* SORT${sorted.list.map((one) => ` ${one}`).join('')}`).toBe(sort);
      for (const talk of [me, other]) talk.end();
    }),
    { numRuns: 12, seed: 20261129 },
  );
  expect(changes).toBeGreaterThan(30);
}, 300_000);
