import { expect, test } from 'vitest';
import { printAge, printSize, printTable } from '../../src/admin/table.ts';
import { parseMoment } from '../../src/admin/time.ts';

test('columns are as wide as their widest cell, numbers stand right, control characters cannot steer the terminal', () => {
  const rows = [
    { name: 'a', count: 5 },
    { name: 'longer\u001b[31m', count: 120 },
  ];
  expect(
    printTable(rows, [
      { title: 'NAME', value: (row) => row.name },
      { title: 'N', value: (row) => String(row.count), align: 'right' },
    ]),
  ).toBe('NAME           N\na              5\nlonger?[31m  120');
});

test.each([
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [3_599, '59m'],
  [3_660, '1h1m'],
  [270_000, '3d3h'],
])('%d seconds are %s', (seconds, text) => expect(printAge(seconds)).toBe(text));

test.each([
  [734, '734'],
  [12_595, '12.3K'],
  [4_194_304, '4.0M'],
])('%d octets are %s', (octets, text) => expect(printSize(octets)).toBe(text));

const now = new Date('2026-11-25T12:00:00Z');
test.each([
  ['2h', '2026-11-25T10:00:00.000Z'],
  ['1w', '2026-11-18T12:00:00.000Z'],
  ['today', '2026-11-25T00:00:00.000Z'],
  ['yesterday', '2026-11-24T00:00:00.000Z'],
  ['2026-11-01', '2026-11-01T00:00:00.000Z'],
  ['2026-11-01 14:30', '2026-11-01T14:30:00.000Z'],
  ['2026-11-01T14:30:00+02:00', '2026-11-01T12:30:00.000Z'],
])('%s is a moment', (text, expected) => expect(parseMoment(text, now).toISOString()).toBe(expected));

test.each(['soon', '2026-13-40', '5 apples', ''])('%j is not, and the error says what would be', (text) =>
  expect(() => parseMoment(text, now)).toThrow(/is not a time: write 30m/),
);
