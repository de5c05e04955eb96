/**
 * store/text-keep - texts that were made, into the database: text and index in one commit with the end of being due.
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import type { Made } from './text-make.ts';

export interface Kept extends Pick<Made, 'texts' | 'grams' | 'trouble'> {
  readonly body: BodyId;
}

/** A body that was swept meanwhile is passed over; one that is kept already stays as it is. */
const keep = `
  with b as (select id from body where id = $1::int8 for key share),
    t as (insert into body_text (body, header, part_headers, content, trouble)
      select id, $2::text, $3::text, $4::text, $5::text from b on conflict (body) do nothing),
    g as (insert into body_gram (body, grams) select id, $6::int4[] from b on conflict (body) do nothing)
  delete from body_due where body = $1::int8`;

/** The commit does not wait for the disk: what is lost is due again, in the same commit. */
export async function keepTexts(database: Database, kept: readonly Kept[]): Promise<void> {
  await database.transaction(async (tx) => {
    await Promise.all([
      tx.query(`select set_config('synchronous_commit', 'off', true)`, []),
      ...[...kept].sort((a, b) => a.body - b.body).map((one) => keepOne(tx, one)),
    ]);
  });
}

const keepOne = (tx: Queryable, { body, texts, grams, trouble }: Kept): Promise<unknown> =>
  tx.query(keep, [body, texts.header, texts.partHeaders, texts.content, trouble, `{${grams.join(',')}}`]);
