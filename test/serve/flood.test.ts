import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Flood, type LeftOut, mostLines, span } from '../../src/serve/flood.ts';

let told: LeftOut[];
let flood: Flood;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  flood = new Flood((left) => told.push(left));
});
afterEach(() => {
  vi.useRealTimers();
});

const written = (lines: number, text: string, level: 'warn' | 'error' = 'error'): number =>
  Array.from({ length: lines }, () => flood.admits(level, text)).filter(Boolean).length;

test('twenty lines of a text are written in ten seconds, and then it is said how many were left out', () => {
  expect(written(20, 'database away')).toBe(20);
  expect(told).toEqual([]);
  expect(written(480, 'database away')).toBe(0);
  vi.advanceTimersByTime(span - 1);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([{ level: 'error', text: 'database away', leftOut: 480 }]);
  expect(written(21, 'database away')).toBe(20);
});

test('nothing is said where nothing was left out', () => {
  written(mostLines, 'database away');
  vi.advanceTimersByTime(10 * span);
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('texts and levels are counted apart', () => {
  written(100, 'database away');
  expect(written(1, 'disk full')).toBe(1);
  expect(written(1, 'database away', 'warn')).toBe(1);
});

test('texts without number are counted together, and memory and lines stay bounded', () => {
  let lines = 0;
  for (let n = 0; n < 10_000; n += 1) lines += written(1, `text ${n}`);
  expect(lines).toBe(220);
  expect(vi.getTimerCount()).toBe(201);
  vi.advanceTimersByTime(span);
  expect(told).toEqual([{ level: 'error', text: undefined, leftOut: 9_780 }]);
});
