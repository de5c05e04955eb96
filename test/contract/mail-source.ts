/**
 * contract/mail-source - what every MailSource keeps (ports/mail-source).
 *
 * The maker gives an empty account at the place and a way to change it behind the source's back.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SpecialUse } from '../../src/mail/mailbox.ts';
import {
  type MailCursor,
  MailCursorExpired,
  type MailSource,
  MessageGone,
  type SourceChange,
  type SourceMailbox,
  type SourceMessage,
} from '../../src/ports/mail-source.ts';

export interface MailSourceSetting {
  readonly source: MailSource;
  /** Makes a mailbox at the place, parents too. */
  create(path: readonly string[], specialUse?: SpecialUse): Promise<void>;
  rename(path: readonly string[], to: readonly string[]): Promise<void>;
  removeMailbox(path: readonly string[]): Promise<void>;
  /** Puts a message there; answers what tells it from others there: `name` of SourceMessage. */
  put(
    path: readonly string[],
    content: Uint8Array,
    flags?: readonly string[],
    internalDate?: Date,
  ): Promise<string>;
  setFlags(path: readonly string[], name: string, flags: readonly string[]): Promise<void>;
  remove(path: readonly string[], name: string): Promise<void>;
  /** Ids of mailboxes stay when they are renamed. */
  readonly idsStay: boolean;
  close(): Promise<void>;
}

export const letter = (id: string, text = 'Hello'): Buffer =>
  Buffer.from(
    `From: ada@example.org\r\nMessage-ID: <${id}@example.org>\r\nSubject: ${id}\r\n\r\n${text}\r\n`,
  );

export const soon = (): AbortSignal => AbortSignal.timeout(60_000);

export async function mailboxAt(
  place: Pick<MailSource, 'mailboxes'>,
  path: readonly string[],
): Promise<SourceMailbox> {
  for await (const one of place.mailboxes(soon())) if (one.path.join('\n') === path.join('\n')) return one;
  throw new Error(`there is no mailbox ${path.join('/')}`);
}

interface Read {
  readonly changes: readonly SourceChange[];
  readonly cursor: MailCursor;
}

async function read(source: MailSource, mailbox: SourceMailbox, cursor?: MailCursor): Promise<Read> {
  const changes = await Array.fromAsync(source.changes(mailbox, cursor, soon()));
  const last = changes.pop();
  if (last?.change !== 'done') throw new Error('the last change carries no cursor');
  return { changes, cursor: last.cursor };
}

/** What a mirror would hold after these changes. */
function follow(held: Map<string, SourceMessage>, { changes }: Read): Map<string, SourceMessage> {
  for (const one of changes) {
    if (one.change === 'gone') held.delete(one.name);
    else if (one.change !== 'done') held.set(one.message.name, one.message);
  }
  return held;
}

const flagsIn = (held: Map<string, SourceMessage>): Record<string, string[]> =>
  Object.fromEntries([...held.values()].map(({ name, flags }) => [name, [...flags].sort()]));

export function mailSourceContract(title: string, make: () => Promise<MailSourceSetting>): void {
  describe(title, () => {
    let at: MailSourceSetting;
    let source: MailSource;
    beforeAll(async () => {
      at = await make();
      source = at.source;
    });
    afterAll(async () => {
      await source.close();
      await at.close();
    });

    test('mailboxes come with their paths, parents before children, INBOX among them', async () => {
      await at.create(['Projekte', 'Brücke']);
      await at.create(['Gesendet'], '\\Sent');
      const all = await Array.fromAsync(source.mailboxes(soon()));
      const paths = all.map(({ path }) => path.join('/'));
      expect(paths).toContain('INBOX');
      expect(paths.indexOf('Projekte')).toBeGreaterThanOrEqual(0);
      expect(paths.indexOf('Projekte/Brücke')).toBeGreaterThan(paths.indexOf('Projekte'));
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      expect(all.find(({ path }) => path[0] === 'Gesendet')?.specialUse).toBe('\\Sent');
    });

    test('without a cursor everything is told, and the octets are those that were put', async () => {
      await at.create(['all']);
      const when = new Date('2020-02-29T23:59:58Z');
      const eight = Buffer.concat([letter('one'), Buffer.from([0xe9, 0xff, 0x80, 13, 10])]);
      const one = await at.put(['all'], eight, ['\\Seen', '$Important'], when);
      const two = await at.put(['all'], letter('two'));
      const mailbox = await mailboxAt(source, ['all']);
      const { changes } = await read(source, mailbox);
      expect(changes).toMatchObject([
        { change: 'added', message: { name: one, internalDate: when } },
        { change: 'added', message: { name: two, flags: [] } },
      ]);
      const held = follow(new Map(), { changes, cursor: '' });
      expect([...(held.get(one)?.flags ?? [])].sort()).toEqual(['$Important', '\\Seen']);
      expect(Buffer.concat(await Array.fromAsync(source.content(mailbox, one, soon())))).toEqual(eight);
    });

    test('after a cursor what changed is told, and nothing when nothing did', async () => {
      await at.create(['since']);
      const names = [];
      for (const id of ['a', 'b', 'c']) names.push(await at.put(['since'], letter(id)));
      const [a, b, c] = names as [string, string, string];
      const mailbox = await mailboxAt(source, ['since']);
      const first = await read(source, mailbox);
      const held = follow(new Map(), first);
      const idle = await read(source, mailbox, first.cursor);
      expect(idle.changes).toEqual([]);
      await at.setFlags(['since'], a, ['\\Flagged']);
      await at.remove(['since'], b);
      const d = await at.put(['since'], letter('d'), ['\\Draft']);
      const second = await read(source, mailbox, idle.cursor);
      expect(second.changes.map(({ change }) => change).sort()).toEqual(['added', 'flags', 'gone']);
      expect(flagsIn(follow(held, second))).toEqual({ [a]: ['\\Flagged'], [c]: [], [d]: ['\\Draft'] });
      expect((await read(source, mailbox, second.cursor)).changes).toEqual([]);
    });

    test('whatever changes in whatever order, following from cursor to cursor ends with what is there', async () => {
      await at.create(['long']);
      const mailbox = await mailboxAt(source, ['long']);
      const held = new Map<string, SourceMessage>();
      const there = new Map<string, string[]>();
      let cursor: MailCursor | undefined;
      for (let round = 0; round < 8; round++) {
        for (let n = 0; n < 5; n++) {
          const name = await at.put(['long'], letter(`m${round}.${n}`), n % 2 ? ['\\Seen'] : []);
          there.set(name, n % 2 ? ['\\Seen'] : []);
        }
        const some = [...there.keys()].filter((_, index) => (index * 7 + round) % 3 === 0);
        for (const [index, name] of some.entries()) {
          if (index % 2) {
            await at.remove(['long'], name);
            there.delete(name);
          } else {
            await at.setFlags(['long'], name, ['\\Answered']);
            there.set(name, ['\\Answered']);
          }
        }
        const next = await read(source, mailbox, cursor);
        cursor = next.cursor;
        expect(flagsIn(follow(held, next))).toEqual(Object.fromEntries(there));
      }
    });

    test('a cursor outlives the source object and a renamed mailbox', async () => {
      if (!at.idsStay) return;
      await at.create(['before']);
      const name = await at.put(['before'], letter('x'));
      const { cursor } = await read(source, await mailboxAt(source, ['before']));
      await at.rename(['before'], ['after']);
      const renamed = await mailboxAt(source, ['after']);
      await at.setFlags(['after'], name, ['\\Seen']);
      expect((await read(source, renamed, cursor)).changes).toMatchObject([
        { change: 'flags', message: { name, flags: ['\\Seen'] } },
      ]);
    });

    test('a cursor is refused when its mailbox is another one now, and when it never was one', async () => {
      await at.create(['anew']);
      await at.put(['anew'], letter('old'));
      const old = await mailboxAt(source, ['anew']);
      const { cursor } = await read(source, old);
      await at.removeMailbox(['anew']);
      await at.create(['anew']);
      await at.put(['anew'], letter('new'));
      const fresh = await mailboxAt(source, ['anew']);
      await expect(read(source, fresh, cursor)).rejects.toThrow(MailCursorExpired);
      await expect(read(source, fresh, 'no cursor')).rejects.toThrow(MailCursorExpired);
      expect((await read(source, fresh)).changes).toHaveLength(1);
    });

    test('a message that is gone cannot be read', async () => {
      await at.create(['gone']);
      const name = await at.put(['gone'], letter('x'));
      const mailbox = await mailboxAt(source, ['gone']);
      await at.remove(['gone'], name);
      const reading = Array.fromAsync(source.content(mailbox, name, soon()));
      await expect(reading).rejects.toThrow(MessageGone);
    });

    test('what is given up ends', async () => {
      const mailbox = await mailboxAt(source, ['all']);
      const ended = AbortSignal.abort(new Error('given up'));
      await expect(Array.fromAsync(source.changes(mailbox, undefined, ended))).rejects.toThrow('given up');
    });
  });
}
