/**
 * peers/proving - the proving ground proves itself: what counts and what judges must be able to fail.
 */
import { expect, test } from 'vitest';
import { command, until } from './command.ts';
import { closingLine } from './unrun-reporter.ts';

test('the closing line is counts and nothing else', () => {
  expect(closingLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed');
  expect(closingLine({ passed: 12, failed: 1, skipped: 2 })).toBe('12 passed, 1 failed, 2 skipped');
});

test('a program that outlives its time is killed and reported', async () => {
  await expect(command('sleep', ['30'], { within: 200 })).rejects.toThrow(/did not end within 0.2 s/);
});

test('what never comes true is said by name', async () => {
  await expect(until('the sky to fall', () => false, 60, 10)).rejects.toThrow('in vain for the sky to fall');
});
