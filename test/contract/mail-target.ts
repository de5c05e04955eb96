/**
 * contract/mail-target - what every MailTarget keeps (ports/mail-target). The maker gives an empty account at the place.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailSource, SourceMailbox } from '../../src/ports/mail-source.ts';
import {
  type MailTarget,
  MessageNotPossible,
  NameNotPossible,
  TargetFull,
} from '../../src/ports/mail-target.ts';
import { letter, soon } from './mail-source.ts';

export interface MailTargetSetting {
  readonly target: MailTarget;
  /** The same account, read. */
  readonly source: MailSource;
  /** A path that the place cannot have. */
  readonly badPath: readonly string[];
  /** Octets of a message that the place refuses; undefined where it has no limit that a test could reach. */
  readonly tooBig?: number;
  /** Leaves no room for another message, and undoes that. */
  readonly fill?: () => Promise<() => Promise<void>>;
  close(): Promise<void>;
}

async function* once(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const when = new Date('2019-07-01T08:09:10Z');

export function mailTargetContract(title: string, make: () => Promise<MailTargetSetting>): void {
  describe(title, () => {
    let at: MailTargetSetting;
    let target: MailTarget;
    beforeAll(async () => {
      at = await make();
      target = at.target;
    });
    afterAll(async () => {
      await target.close();
      await at.source.close();
      await at.close();
    });

    const put = (mailbox: SourceMailbox, content: Uint8Array, flags: readonly string[] = []) =>
      target.append(mailbox, { flags, internalDate: when, content: once(content) }, soon());

    async function messagesIn(mailbox: SourceMailbox) {
      const changes = await Array.fromAsync(at.source.changes(mailbox, undefined, soon()));
      return changes.flatMap((one) => (one.change === 'added' ? [one.message] : []));
    }

    test('a mailbox is made with its parents, once', async () => {
      const one = await target.mailbox(['Projekte', 'Ä', 'b'], {}, soon());
      expect(one).toMatchObject({ path: ['Projekte', 'Ä', 'b'], selectable: true });
      expect(await target.mailbox(['Projekte', 'Ä', 'b'], {}, soon())).toMatchObject({ id: one.id });
      const all = await Array.fromAsync(target.mailboxes(soon()));
      expect(all.map(({ path }) => path.join('/'))).toEqual(
        expect.arrayContaining(['INBOX', 'Projekte', 'Projekte/Ä', 'Projekte/Ä/b']),
      );
    });

    test('INBOX is there and not made again', async () => {
      const inbox = await target.mailbox(['INBOX'], {}, soon());
      expect(inbox).toMatchObject({ path: ['INBOX'], selectable: true });
    });

    test('a special use is given, and stays where it is when another asks for it', async () => {
      const one = await target.mailbox(['Entwürfe'], { specialUse: '\\Drafts' }, soon());
      expect(one.specialUse).toBe('\\Drafts');
      const two = await target.mailbox(['Drafts 2'], { specialUse: '\\Drafts' }, soon());
      expect(two.specialUse).toBeUndefined();
    });

    test('a name that the place cannot have is refused as such', async () => {
      await expect(target.mailbox(at.badPath, {}, soon())).rejects.toThrow(NameNotPossible);
    });

    test('a message is kept as it came, with its flags and date, and found by its Message-ID', async () => {
      const mailbox = await target.mailbox(['kept'], {}, soon());
      const content = Buffer.concat([letter('kept'), Buffer.from([0xff, 0xe9, 0, 13, 10, 10])]);
      const pieces = once(content.subarray(0, 7), new Uint8Array(), content.subarray(7));
      const name = await target.append(
        mailbox,
        { flags: ['\\Seen', '\\Recent', '$Work'], internalDate: when, content: pieces },
        soon(),
      );
      const [message, ...others] = await messagesIn(mailbox);
      expect(others).toEqual([]);
      expect(message).toMatchObject({ name, internalDate: when });
      expect([...(message?.flags ?? [])].sort()).toEqual(['$Work', '\\Seen']);
      expect(Buffer.concat(await Array.fromAsync(at.source.content(mailbox, name, soon())))).toEqual(content);
      expect(await target.find(mailbox, '<kept@example.org>', soon())).toEqual([name]);
      expect(await target.find(mailbox, '<other@example.org>', soon())).toEqual([]);
    });

    test('two of one Message-ID are both found, of that mailbox only', async () => {
      const mailbox = await target.mailbox(['twice'], {}, soon());
      const other = await target.mailbox(['elsewhere'], {}, soon());
      const names = [await put(mailbox, letter('two', 'a')), await put(mailbox, letter('two', 'b'))];
      await put(other, letter('two', 'c'));
      expect([...(await target.find(mailbox, '<two@example.org>', soon()))].sort()).toEqual(names.sort());
    });

    test('flags are replaced, and that of a message that is gone is said', async () => {
      const mailbox = await target.mailbox(['flags'], {}, soon());
      const name = await put(mailbox, letter('f'), ['\\Seen', 'old']);
      expect(await target.setFlags(mailbox, name, ['\\Flagged', 'new'], soon())).toBe(true);
      expect([...((await messagesIn(mailbox))[0]?.flags ?? [])].sort()).toEqual(['\\Flagged', 'new']);
      expect(await target.setFlags(mailbox, name, ['\\Flagged', 'new'], soon())).toBe(true);
      expect(await target.remove(mailbox, name, soon())).toBe(true);
      expect(await target.remove(mailbox, name, soon())).toBe(false);
      expect(await target.setFlags(mailbox, name, [], soon())).toBe(false);
      expect(await messagesIn(mailbox)).toEqual([]);
      expect(await target.find(mailbox, '<f@example.org>', soon())).toEqual([]);
    });

    test('when the content breaks off, nothing is kept', async () => {
      const mailbox = await target.mailbox(['broken'], {}, soon());
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield letter('broken');
        throw new Error('the line went dead');
      }
      const message = { flags: [], internalDate: when, content: broken() };
      await expect(target.append(mailbox, message, soon())).rejects.toThrow('the line went dead');
      expect(await messagesIn(mailbox)).toEqual([]);
    });

    test('a message that is too big is refused for good', async () => {
      if (at.tooBig === undefined) return;
      const mailbox = await target.mailbox(['big'], {}, soon());
      const content = Buffer.concat([letter('big'), Buffer.alloc(at.tooBig, 'x')]);
      await expect(put(mailbox, content)).rejects.toThrow(MessageNotPossible);
      expect(await messagesIn(mailbox)).toEqual([]);
    });

    test('a full account says so, and takes mail again when there is room', async () => {
      if (at.fill === undefined) return;
      const mailbox = await target.mailbox(['full'], {}, soon());
      const undo = await at.fill();
      await expect(put(mailbox, letter('full'))).rejects.toThrow(TargetFull);
      await undo();
      await put(mailbox, letter('full'));
      expect(await messagesIn(mailbox)).toHaveLength(1);
    });
  });
}
