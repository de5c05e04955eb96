/** Dates as senders write them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDateField } from '../../../src/protocol/mime/date-field.ts';

test.each([
  ['Mon, 23 Nov 2026 10:00:00 +0100', '2026-11-23T09:00:00.000Z', '2026-11-23'],
  ['23 Nov 2026 23:30 -0800', '2026-11-24T07:30:00.000Z', '2026-11-23'],
  ['Mon, 1 Dec 97 08:01:02 EST', '1997-12-01T13:01:02.000Z', '1997-12-01'],
  ['1 Jan 49 00:00:00 GMT', '2049-01-01T00:00:00.000Z', '2049-01-01'],
  ['1 Jan 099 00:00:00 GMT', '1999-01-01T00:00:00.000Z', '1999-01-01'],
  [
    'Thu, 13 Feb 1969 23:32:54 (for once) -0330 (Newfoundland Time)',
    '1969-02-14T03:02:54.000Z',
    '1969-02-13',
  ],
  ['23-Nov-2026 10:00:00 +0000', '2026-11-23T10:00:00.000Z', '2026-11-23'],
  ['Mon Nov 23 10:00:00 2026', '2026-11-23T10:00:00.000Z', '2026-11-23'],
  ['Monday, 23 November 2026 10:00:00 XYZ', '2026-11-23T10:00:00.000Z', '2026-11-23'],
  ['23 Nov 2026', '2026-11-23T00:00:00.000Z', '2026-11-23'],
  ['31 Dec 2016 23:59:60 +0000', '2017-01-01T00:00:00.000Z', '2016-12-31'],
  ['23 Nov 2026 10:00:00 +9959', '2026-11-23T10:00:00.000Z', '2026-11-23'],
])('%s', (text, at, day) => {
  const date = parseDateField(text);
  expect([date?.at.toISOString(), date?.day]).toEqual([at, day]);
});

test.each([
  '',
  'yesterday',
  '30 Feb 2026 10:00:00 +0000',
  '0 Nov 2026 10:00:00 +0000',
  '23 Nov 2026 25:00:00 +0000',
  '23 Nov 2026 10:61:00 +0000',
  '23 Foo 2026 10:00:00 +0000',
  '23 Nov 20265 10:00:00 +0000',
  '10:00:00 +0000',
])('no date: %s', (text) => {
  expect(parseDateField(text)).toBeUndefined();
});

test('a date is an instant of four digits of year, whatever comes', () => {
  const piece = fc.constantFrom(
    'Mon,',
    '23',
    'Nov',
    '2026',
    '99',
    '10:00:00',
    '+0100',
    '(',
    ')',
    ' ',
    '-',
    'x',
    '(a)',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((all) => all.join(' ')),
      ),
      (text) => {
        const date = parseDateField(text);
        if (date === undefined) return;
        expect(date.day).toMatch(/^\d{4}-\d\d-\d\d$/);
        expect(Math.abs(date.at.getTime() - Date.parse(date.day))).toBeLessThan(2 * 86_400_000);
      },
    ),
  );
});

test('time is linear in the length of the field', () => {
  for (const text of ['('.repeat(100_000), '1 '.repeat(100_000), `Nov 1 ${'x '.repeat(100_000)}`])
    expect(parseDateField(text)).toBeUndefined();
});
