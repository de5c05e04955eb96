/** Which names mailboxes may have, and in what order they come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MailboxTrouble } from '../../src/ports/mailboxes.ts';
import { compareNames, folderName, parentsOf, usualNameLimits } from '../../src/store/folder-name.ts';

const limits = { levels: 3, level: 20, total: 40 };

test.each([
  ['Sent', 'Sent'],
  ['inbox', 'INBOX'],
  ['Inbox/Old', 'INBOX/Old'],
  ['inboxes', 'inboxes'],
  ['a/inbox', 'a/inbox'],
  ['Entwu\u0308rfe', 'Entw\u00fcrfe'],
  ['受信', '受信'],
  ['a b', 'a b'],
  ['#news.old', '#news.old'],
  ['R&D', 'R&D'],
])('%j is kept as %j', (text, kept) => expect(folderName(text, limits)).toBe(kept));

test.each([
  [''],
  ['/'],
  ['/a'],
  ['a/'],
  ['a//b'],
  ['a%'],
  ['*'],
  ['a\0'],
  ['a\r\nb'],
  ['a\u007f'],
  ['a\u0085'],
  ['a\u2028b'],
  ['\ud800'],
  ['a/b/c/d'],
  ['ü'.repeat(11)],
  ['x'.repeat(20) + '/'.concat('y'.repeat(20))],
  ['x'.repeat(1_000_000)],
])('%j is refused', (text) => expect(() => folderName(text, limits)).toThrow(MailboxTrouble));

test('a name that is kept is kept as it is, and within the limits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      let kept: string;
      try {
        kept = folderName(text, usualNameLimits);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(MailboxTrouble);
        return;
      }
      expect(folderName(kept, usualNameLimits)).toBe(kept);
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(usualNameLimits.total);
      expect(parentsOf(kept)).toHaveLength(kept.split('/').length - 1);
    }),
  );
});

test('INBOX comes first, parents before their children, children next to them', () => {
  const names = ['b', 'a/x', 'a b', 'INBOX/z', 'a', 'INBOX', 'A', 'a/x/y'];
  expect(names.sort(compareNames)).toEqual(['INBOX', 'INBOX/z', 'A', 'a', 'a/x', 'a/x/y', 'a b', 'b']);
});
