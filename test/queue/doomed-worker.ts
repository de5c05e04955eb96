/**
 * queue/doomed-worker URL - a worker that claims what is due and whose next hop never answers; the test kills it.
 */
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';
import { Bench } from './fakes.ts';

const database = await openDatabase({
  url: process.argv[2] ?? '',
  maxConnections: 4,
  statementTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  applicationName: 'doomed',
  log: silentLog,
});
const bench = new Bench(database);
bench.peer.answer = () => new Promise(() => undefined);
bench.work();
