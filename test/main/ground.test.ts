import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import { installationOf, openBlobs } from '../../src/main/ground.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { sweep } from '../../src/queue/sweep.ts';
import { freshDatabase } from '../fixture/database.ts';

const signal = new AbortController().signal;
async function* body() {
  yield Buffer.from('a body of one installation');
}

test('an installation that was given the blob folder of another sweeps none of its bodies', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-blobs-'));
  const parsed = parseConfig(`hostname: a.test\nblobs: { kind: files, folder: ${folder} }`, {
    file: 'isthmus.yaml',
    folder,
    environment: {},
    now: new Date(),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed.loaded;
  const databases = [await freshDatabase(), await freshDatabase()] as const;
  // Tests' databases are copies of one template; installations are not.
  await databases[1].database.query('update installation set id = gen_random_uuid()::text');
  const yesterday = () => new Date(Date.now() - 86_400_000);
  const [mine, theirs] = await Promise.all(
    databases.map(async ({ database }) =>
      openBlobs(config, await installationOf(database), silentLog, yesterday),
    ),
  );
  const blob = await mine!.write(body(), signal);
  const options = { retention: 1e12, log: silentLog, metrics: noMetrics, now: () => new Date() };
  await sweep({ ...options, database: databases[1].database, blobs: theirs! }, signal);
  expect((await Array.fromAsync(mine!.read(blob.key, signal))).length).toBe(1);
  // What nobody refers to goes where it belongs to the sweeper.
  await sweep({ ...options, database: databases[0].database, blobs: mine! }, signal);
  await expect(Array.fromAsync(mine!.read(blob.key, signal))).rejects.toThrow();
  await Promise.all(databases.map(({ drop }) => drop()));
  rmSync(folder, { recursive: true, force: true });
});
