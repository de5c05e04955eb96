/**
 * store/text-keep - texts that were made, into the database: text and index in one commit with the end of being due.
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';
import type { Made } from './text-make.ts';

export interface Kept extends Pick<Made, 'texts' | 'grams' | 'trouble'> {
  readonly body: BodyId;
}

/**
 * In order of bodies, as a search and the indexer may keep the same ones at once. A body that was swept meanwhile is passed over; one that is kept already stays
 * as it is.
 */
const keep = `
  with k as (select * from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
      as k (body, header, part_headers, content, trouble, grams)),
    b as (select id from body where id = any($1::int8[]) order by id for key share),
    t as (insert into body_text (body, header, part_headers, content, trouble)
      select k.body, k.header, k.part_headers, k.content, k.trouble from k join b on b.id = k.body order by k.body
      on conflict (body) do nothing),
    g as (insert into body_gram (body, grams) select k.body, k.grams::int4[] from k join b on b.id = k.body order by k.body
      on conflict (body) do nothing),
    d as (select body from body_due where body = any($1::int8[]) order by body for update),
    o as (select set_config('synchronous_commit', 'off', true))
  delete from body_due using d, o where body_due.body = d.body`;

/** The commit does not wait for the disk: what is lost is due again, in the same commit. */
export const keepTexts = (database: Queryable, kept: readonly Kept[]): Promise<unknown> =>
  database.query(keep, [
    kept.map(({ body }) => body),
    kept.map(({ texts }) => texts.header),
    kept.map(({ texts }) => texts.partHeaders),
    kept.map(({ texts }) => texts.content),
    kept.map(({ trouble }) => trouble),
    kept.map(({ grams }) => `{${grams.join(',')}}`),
  ]);
