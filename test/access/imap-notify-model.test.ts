/**
 * Whatever happens: who asked to be told of everything, and listens only, knows the selected mailbox and how the others
 * stand.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let count = 0;
let heard = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());

interface Known {
  uid: number | undefined;
  flags: string;
}

const withoutRecent = (flags: string): string =>
  flags
    .split(' ')
    .filter((flag) => flag !== '\\Recent' && flag !== '')
    .join(' ');

/** What it knows without ever asking. */
class Listener {
  readonly messages: Known[] = [];
  readonly boxes = new Map<string, string>();

  hear(line: string): void {
    heard += 1;
    const exists = /^\* (\d+) EXISTS$/.exec(line);
    const expunge = /^\* (\d+) EXPUNGE$/.exec(line);
    const fetch = /^\* (\d+) FETCH \(UID (\d+) FLAGS \(([^)]*)\)/.exec(line);
    const status = /^\* STATUS "([^"]+)" \((MESSAGES \d+ UIDNEXT \d+)/.exec(line);
    if (exists !== null) {
      expect(Number(exists[1])).toBeGreaterThanOrEqual(this.messages.length);
      while (this.messages.length < Number(exists[1])) this.messages.push({ uid: undefined, flags: '' });
    } else if (expunge !== null) {
      expect(Number(expunge[1])).toBeLessThanOrEqual(this.messages.length);
      this.messages.splice(Number(expunge[1]) - 1, 1);
    } else if (fetch !== null) {
      const message = this.messages[Number(fetch[1]) - 1];
      if (message === undefined) throw new Error(`of no message: ${line}`);
      if (message.uid !== undefined) expect(message.uid).toBe(Number(fetch[2]));
      message.uid = Number(fetch[2]);
      message.flags = withoutRecent(fetch[3] ?? '');
    } else if (status !== null) this.boxes.set(status[1] ?? '', status[2] ?? '');
    else if (/^\* LIST /.test(line)) this.#hearOfName(line);
  }

  #hearOfName(line: string): void {
    const {
      attributes = '',
      name = '',
      old,
    } = /^\* LIST \((?<attributes>[^)]*)\) "\/" "(?<name>[^"]+)"(?: \("OLDNAME" \("(?<old>[^"]+)"\)\))?/.exec(
      line,
    )?.groups ?? {};
    if (attributes.includes('\\NonExistent')) this.boxes.delete(name);
    else if (old !== undefined) {
      this.boxes.set(name, this.boxes.get(old) ?? '');
      this.boxes.delete(old);
    } else if (!this.boxes.has(name)) this.boxes.set(name, '');
  }
}

type Step = readonly ['append' | 'flag' | 'expunge' | 'elsewhere' | 'make' | 'rename' | 'remove', number];

async function perform(other: ImapTalk, [what, n]: Step): Promise<void> {
  switch (what) {
    case 'append':
      await other.append('INBOX', letter(`Nr ${n}`), n % 2 === 0 ? '(\\Seen)' : '');
      return;
    case 'flag':
      await other.ok(`UID STORE ${n + 1} ${n % 3 === 0 ? '-' : '+'}FLAGS.SILENT (\\Flagged $x${n % 2})`);
      return;
    case 'expunge':
      await other.ok(`UID STORE ${n + 1} +FLAGS.SILENT (\\Deleted)`);
      await other.ok(`UID EXPUNGE ${n + 1}`);
      return;
    case 'elsewhere':
      await other.append('Sent', letter('there'));
      return;
    case 'make':
      await other.answer(`CREATE box${n % 3}`);
      return;
    case 'rename':
      await other.answer(`RENAME box${n % 3} box${(n + 1) % 3}`);
      return;
    case 'remove':
      await other.answer(`DELETE box${n % 3}`);
  }
}

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('append', 'append', 'flag', 'expunge', 'elsewhere', 'make', 'rename', 'remove'),
  fc.nat(8),
);

/** Until what was said last is heard. */
async function listen(talk: ImapTalk, listener: Listener, until: string): Promise<void> {
  for (;;) {
    const line = await talk.response();
    if (line === undefined) throw new Error('closed');
    listener.hear(line);
    if (line.includes(until)) return;
  }
}

test('who listens knows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
      const name = `user${++count}`;
      await server.tree.accounts.create({ name });
      const [me, other] = [await server.as(name), await server.as(name)];
      const listener = new Listener();
      await me.ok('SELECT INBOX');
      await other.ok('SELECT INBOX');
      const began = await me.ok(
        'NOTIFY SET STATUS (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge MailboxName))',
      );
      for (const line of began) listener.hear(line);
      for (const one of steps) await perform(other, one);
      await other.append('INBOX', letter('the end'), '($End)');
      await listen(me, listener, '$End');
      await other.ok('CREATE end');
      await listen(me, listener, '"end"');
      // Names are told before what is in them.
      for (const line of await me.ok('NOOP')) listener.hear(line);
      const fresh = await server.as(name);
      await fresh.ok('EXAMINE INBOX');
      const messages = (await fresh.ok('UID FETCH 1:* FLAGS')).map((line) => {
        const [, uid, flags = ''] = /FETCH \(UID (\d+) FLAGS \(([^)]*)\)/.exec(line) ?? [];
        return { uid: Number(uid), flags: withoutRecent(flags) };
      });
      expect(listener.messages).toEqual(messages);
      const names = (await fresh.ok('LIST "" *')).map((line) => /"([^"]+)"$/.exec(line)?.[1] ?? '');
      expect([...listener.boxes.keys(), 'INBOX'].sort()).toEqual(names.sort());
      expect(await fresh.ok('STATUS Sent (MESSAGES UIDNEXT)')).toEqual([
        `* STATUS "Sent" (${listener.boxes.get('Sent')})`,
      ]);
      for (const talk of [me, other, fresh]) talk.end();
    }),
    { numRuns: 12, seed: 20261129 },
  );
  expect(heard).toBeGreaterThan(100);
}, 300_000);
