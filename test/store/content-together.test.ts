/** Readers of one process share statements, and each gets its own octets. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { BodyGone } from '../../src/ports/messages.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { MemoryBlobs } from './memory-blobs.ts';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

const { signal } = new AbortController();

async function read(octets: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of octets) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

test.each([false, true])('many contents and ranges at once, compressed %s', async (compress) => {
  let statements = 0;
  const database: Database = Object.create(fresh.database, {
    query: {
      value: (text: string, values?: readonly unknown[]) => {
        statements += 1;
        return fresh.database.query(text, values);
      },
    },
  });
  const messages = openMessages({
    database,
    blobs: new MemoryBlobs(() => new Date()),
    compress,
    now: () => new Date(),
    log: silentLog,
  });
  const text = (n: number) => `Subject: ${n} ${compress}\r\n\r\n${`line ${n}\r\n`.repeat(50)}`;
  const bodies: number[] = [];
  for (let n = 0; n < 40; n++) {
    async function* whole() {
      yield Buffer.from(text(n));
    }
    bodies.push((await messages.stage(whole(), 1_000_000, signal)).body);
  }
  statements = 0;
  const asked = bodies.flatMap((body, n) => [
    read(messages.content(body, signal)).then((got) => expect(got).toBe(text(n))),
    read(messages.content(body, signal, { start: 3, end: 20 + n })).then((got) =>
      expect(got).toBe(text(n).slice(3, 20 + n)),
    ),
    // The same body by two ranges, one of them empty.
    read(messages.content(body, signal, { start: 5, end: 5 })).then((got) => expect(got).toBe('')),
  ]);
  const gone = expect(read(messages.content(999_999, signal))).rejects.toBeInstanceOf(BodyGone);
  await Promise.all([...asked, gone]);
  expect(statements).toBeLessThan(12);
  await messages.close();
});
