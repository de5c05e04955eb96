import { expect, test } from 'vitest';
import { MailError } from '../../src/mail/condition.ts';
import type { Database } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { Capacity } from '../../src/queue/capacity.ts';

test('what is accepted while the spool is being counted is not forgotten', async () => {
  const { promise, resolve } = Promise.withResolvers<{ messages: number; bytes: number }[]>();
  const database = { query: () => promise } as unknown as Database;
  const capacity = new Capacity(database, { maxMessages: 3, maxBytes: 1_000 }, silentLog);
  capacity.added(10);
  capacity.added(10);
  capacity.check();
  resolve([{ messages: 1, bytes: 10 }]);
  await promise;
  await new Promise((done) => setImmediate(done));
  expect(() => capacity.check()).toThrow(MailError);
  capacity.close();
});
