/**
 * store/fsck-blobs - blobs that no body refers to. The store's sweep removes those; that some are old means that it
 * does not run, or that a database was put back that is older than its blobs.
 */
import type { BlobKey } from '../ports/blob-store.ts';
import type { StoreFinding } from '../ports/store-check.ts';
import type { Run } from './fsck.ts';

const portion = 1_000;
/** What the sweep has had time for: keys are of the hour in which they were written. */
const old = 48 * 3_600_000;

export async function* checkBlobs(run: Run): AsyncGenerator<StoreFinding> {
  if (run.account !== undefined) return;
  let keys: BlobKey[] = [];
  let done = 0;
  for await (const { key } of run.blobs.list(new Date(run.now().getTime() - old), run.signal)) {
    keys.push(key);
    if (keys.length < portion) continue;
    yield* strays(run, keys);
    done += keys.length;
    run.progress({ stage: 'blobs', done });
    keys = [];
  }
  yield* strays(run, keys);
  run.progress({ stage: 'blobs', done: done + keys.length });
}

/** Nobody can refer to a key of hours ago that nobody refers to now (ports/blob-store). */
async function* strays(
  { database, blobs, repair }: Run,
  keys: readonly BlobKey[],
): AsyncGenerator<StoreFinding> {
  const rows = await database.query<{ blob: string }>('select blob from body where blob = any($1::text[])', [
    keys,
  ]);
  const used = new Set(rows.map(({ blob }) => blob));
  for (const key of keys) {
    if (used.has(key)) continue;
    if (repair) await blobs.remove(key);
    yield {
      fault: 'strayBlob',
      where: key,
      text: 'no body refers to this blob',
      mending: repair ? 'mended' : 'can be mended',
    };
  }
}
