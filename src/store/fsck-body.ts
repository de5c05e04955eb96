/**
 * store/fsck-body - is every body where it should be, and is it what it says?
 *
 * A body whose content is lost keeps its row, as messages refer to it; mending takes away the hash by which it would be
 * found, so that the same message, coming once more, is kept anew.
 */
import { createHash } from 'node:crypto';
import type { BodyId } from '../mail/mailbox.ts';
import { BlobMissing } from '../ports/blob-store.ts';
import { BodyGone } from '../ports/messages.ts';
import type { StoreFault, StoreFinding } from '../ports/store-check.ts';
import { readStructure } from '../protocol/mime/stored-structure.ts';
import { KeyMissing } from './coding.ts';
import type { Run } from './fsck.ts';

interface Trouble {
  readonly fault: StoreFault;
  readonly what: string;
}

interface Row {
  readonly id: BodyId;
  readonly hash: Buffer;
  readonly size: number;
  readonly blob: string | null;
  readonly structure: string;
  readonly owners: string | null;
}

const portion = 200;
/** So many are read at once. */
const atOnce = 4;

const statement = `
  select b.id, b.hash, b.size, b.blob, b.structure, (
    select string_agg(place, ', ') from (
      select a.name || '/' || m.name || ' UID ' || mm.uid as place
      from mailbox_message mm join mailbox m on m.id = mm.mailbox join account a on a.id = m.account
      where mm.body = b.id limit 3
    ) p
  ) as owners
  from body b
  where b.id > $1 and ($2::bigint is null or exists (
    select from mailbox_message mm join mailbox m on m.id = mm.mailbox where mm.body = b.id and m.account = $2))
  order by b.id limit ${portion}`;

export async function* checkBodies(run: Run): AsyncGenerator<StoreFinding> {
  const { database, account, progress } = run;
  const [total] = await database.query<{ count: number }>('select count(*) from body');
  let [done, last] = [0, 0];
  for (;;) {
    const rows = await database.query<Row>(statement, [last, account]);
    for (let at = 0; at < rows.length; at += atOnce) {
      run.signal.throwIfAborted();
      const some = rows.slice(at, at + atOnce);
      for (const findings of await Promise.all(some.map((row) => checkBody(run, row)))) yield* findings;
      done += some.length;
      last = some.at(-1)?.id ?? last;
      const of = account === undefined ? { of: Math.max(done, total?.count ?? 0) } : {};
      progress({ stage: 'bodies', done, ...of });
    }
    if (rows.length < portion) return;
  }
}

async function checkBody(run: Run, row: Row): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = [];
  const fault = await judge(run, row);
  // It may have been swept, or sealed anew, between the look at its row and the look at its blob.
  if (fault !== undefined && (await isAsItWas(run, row))) findings.push(await lost(run, row, fault));
  if (!readable(row.structure))
    findings.push(finding(row, 'structure', 'its structure cannot be read: messages show no parts', 'lost'));
  return findings;
}

const judge = (run: Run, row: Row): Promise<Trouble | undefined> =>
  run.deep ? readWhole(run, row) : lookAtBlob(run, row);

async function isAsItWas({ database }: Run, { id, blob, hash }: Row): Promise<boolean> {
  const rows = await database.query(
    'select from body where id = $1 and blob is not distinct from $2 and hash = $3',
    [id, blob, hash],
  );
  return rows.length > 0;
}

/** The first octet: the blob is there. */
async function lookAtBlob({ blobs, signal }: Run, { blob, size }: Row): Promise<Trouble | undefined> {
  if (blob === null || size === 0) return undefined;
  try {
    for await (const _ of blobs.read(blob, signal, { start: 0, end: 1 })) break;
    return undefined;
  } catch (thrown) {
    if (thrown instanceof BlobMissing) return missing(blob);
    throw thrown;
  }
}

const missing = (blob: string | null): Trouble => ({
  fault: 'blobMissing',
  what: `its blob ${blob} is missing`,
});

async function readWhole({ reading, signal }: Run, row: Row): Promise<Trouble | undefined> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of reading.content(row.id, signal)) {
      hash.update(chunk);
      size += chunk.length;
    }
  } catch (thrown) {
    const { cause } = thrown as Error;
    if (cause instanceof KeyMissing) return { fault: 'keyMissing', what: cause.message };
    if (!(thrown instanceof BodyGone)) throw thrown;
    if (cause instanceof BlobMissing) return missing(row.blob);
    return { fault: 'contentDiffers', what: thrown.message };
  }
  if (size === row.size && hash.digest().equals(row.hash)) return undefined;
  return { fault: 'contentDiffers', what: 'its octets are not those that came' };
}

function readable(structure: string): boolean {
  try {
    readStructure(structure);
    return true;
  } catch {
    return false;
  }
}

async function lost(run: Run, row: Row, { fault, what }: Trouble): Promise<StoreFinding> {
  // With its key it can be read again.
  if (fault === 'keyMissing') return finding(row, fault, what, 'lost');
  if (run.repair)
    await run.database.query(
      `update body set hash = sha256(convert_to('lost ' || id || gen_random_uuid(), 'UTF8'))
       where id = $1 and hash = $2 and blob is not distinct from $3`,
      [row.id, row.hash, row.blob],
    );
  const then = run.repair
    ? 'kept anew if it comes once more'
    : '--repair lets it be kept anew if it comes once more';
  return finding(row, fault, `${what}; ${then}`, 'lost');
}

const finding = (
  row: Row,
  fault: StoreFault,
  text: string,
  mending: StoreFinding['mending'],
): StoreFinding => ({
  fault,
  where: `body ${row.id} (${row.owners ?? 'of no message'})`,
  text,
  mending,
});
