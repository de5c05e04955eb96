import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesIn, runFile } from './run.ts';

test('a script of tests is counted, and its failures are told with their line', async () => {
  const [file] = filesIn(join(import.meta.dirname, 'scripts'));
  expect(await runFile(file as string)).toMatchObject({
    passed: 2,
    failures: ['a test that fails is told to fail: line 28: as it should'],
  });
});
