/**
 * bench/queue-memory - what a long queue costs: memory of the worker's process with many messages waiting, the time a
 * claim takes, and how fast mail for others goes through beside it.
 *
 *   node test/bench/queue-memory.ts [--messages=100000] [--hops=50] [--due]
 *
 * Half of the queue waits for one destination that is down, the rest for `hops` others, all tried before, to be tried
 * within two hours or, with --due, now.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../../src/ports/log.ts';
import { queueControl } from '../../src/queue/control.ts';
import { openDatabase } from '../../src/state/database.ts';
import { startPrivateServer } from '../../src/state/private-server.ts';
import { runSteps } from '../../src/state/steps.ts';
import { Bench, busy, down, MemoryBlobs, ok } from '../queue/fakes.ts';

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    hops: { type: 'string', default: '50' },
    due: { type: 'boolean', default: false },
  },
});
const messages = Number(options.messages);
const hops = Number(options.hops);

const fill = `
  with m as (
    insert into message (id, sender, message_id, size, received_at, expires_at, facts, trace, body, recipients)
    select 'q' || lpad(n::text, 12, '0'), 's@example.org', '<' || n || '@example.org>', 10240, now(), now() + interval '5 days',
           '{"transaction":{"body":"7bit","smtputf8":false,"requireTls":false},"client":{"listener":"mx","protocol":"smtp","ip":"192.0.2.1","mayRelay":false},"content":{"size":10240,"eightBit":false,"utf8Header":false,"longestLine":70,"hops":1,"ownHops":0,"sitesSeen":[]}}',
           'Received: from there', convert_to(repeat('0123456789', 1024), 'UTF8'), 1
    from generate_series($1::int, $2::int) n
  )
  insert into recipient (message_id, slot, address, due_at, next_hop, attempts, stalled)
  select 'q' || lpad(n::text, 12, '0'), 'u' || n || '@' || hop, 'u' || n || '@' || hop, now() + n % $4 * interval '1 second', 'mx:' || hop, 1, hop = 'down.example'
  from (select n, case when n % 2 = 0 then 'down.example' else 'd' || n % $3 || '.example' end as hop
        from generate_series($1::int, $2::int) n) as waiting`;

const folder = mkdtempSync(join(tmpdir(), 'bench-queue-'));
chmodSync(folder, 0o711);
const server = await startPrivateServer({ dataDir: folder, log: silentLog });
try {
  const database = await openDatabase({
    url: server.url,
    maxConnections: 8,
    statementTimeoutMs: 300_000,
    connectTimeoutMs: 10_000,
    applicationName: 'bench',
    log: silentLog,
  });
  await runSteps(database, silentLog);
  const filling = performance.now();
  for (let from = 1; from <= messages; from += 10_000) {
    await database.query(fill, [from, Math.min(from + 9_999, messages), hops, options.due ? 1 : 7200]);
  }
  console.log(`${messages} messages queued in ${Math.round((performance.now() - filling) / 1000)} s`);
  const bench = new Bench(database);
  bench.peer.answer = ({ address: { domain } }) =>
    domain === 'down.example' ? down : domain === 'quick.example' ? ok : busy;
  const idle = process.memoryUsage().rss;
  bench.work();
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const control = queueControl({
    database,
    blobs: new MemoryBlobs(),
    now: bench.now,
    hostname: 'gate.example',
  });
  const start = performance.now();
  const mails = 2_000;
  await Promise.all(
    Array.from({ length: 20 }, async (_, lane) => {
      for (let index = lane; index < mails; index += 20)
        await bench.accept({ to: [`u${index}@quick.example`] });
    }),
  );
  while (bench.peer.deliveries.length < mails) await new Promise((resolve) => setTimeout(resolve, 10));
  const seconds = (performance.now() - start) / 1000;
  const counting = performance.now();
  const counts = await control.counts(AbortSignal.timeout(60_000));
  console.log({
    messages,
    megabytes: { idle: Math.round(idle / 2 ** 20), working: Math.round(process.memoryUsage().rss / 2 ** 20) },
    besideItPerSecond: Math.round(mails / seconds),
    countsMs: Math.round(performance.now() - counting),
    byStatus: counts.byStatus,
  });
  await bench.close();
  await database.close();
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
