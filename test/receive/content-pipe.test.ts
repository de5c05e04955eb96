import { expect, test } from 'vitest';
import { ContentPipe } from '../../src/receive/content-pipe.ts';

test('a pipe that nobody reads is full by what it takes in memory, not by its octets alone', async () => {
  const pipe = new ContentPipe();
  for (let count = 0; count < 1_024; count += 1) {
    expect(pipe.full).toBe(false);
    pipe.write(Buffer.from('x'));
  }
  expect(pipe.full).toBe(true);
  let ready = false;
  pipe.onceReady(() => {
    ready = true;
  });
  pipe.end();
  let octets = 0;
  for await (const chunk of pipe) octets += chunk.length;
  expect([ready, octets]).toEqual([true, 1_024]);
});
