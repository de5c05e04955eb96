/**
 * store/page-statements - pieces of SQL that read `uid_page`, and that keep it true to the messages of its mailbox.
 *
 * For the latter the mailbox is locked and the statement began after that, so nobody else changes its pages meanwhile.
 */
import { type Pages, pageOctets, pageSize } from './uid-pages.ts';

const empty = `decode(repeat('00', ${pageOctets}), 'hex')`;

const full = `decode(repeat('ff', ${pageOctets}), 'hex')`;

/** A query: the pages of a mailbox in one row, see PagesRow. Of full ones the number says all. */
export const readPages = (mailbox: string): string => `
  select array_agg(page order by page) filter (where bits <> ${full}) as pages,
    string_agg(bits, ''::bytea order by page) filter (where bits <> ${full}) as bits,
    array_agg(page order by page) filter (where bits = ${full}) as full_pages
  from uid_page where mailbox = ${mailbox}`;

export interface PagesRow {
  readonly pages: number[] | null;
  readonly bits: Buffer | null;
  readonly full_pages: number[] | null;
}

export const pagesOf = (row: PagesRow): Pages => ({
  numbers: row.pages ?? [],
  bits: row.bits ?? new Uint8Array(),
  full: row.full_pages ?? [],
});

const places = (from: string): string => `
  touched as materialized (
    select mailbox, (uid / ${pageSize})::int4 as page, array_agg((uid % ${pageSize})::int4) as places
    from ${from} group by 1, 2
  )`;

/** Parts of a `with`: UIDs of `from` (mailbox, uid) are there now. */
export const addToPages = (from: string): string => `${places(from)}, old_pages as (
    update uid_page p set bits = uid_page_with(p.bits, t.places, 1)
    from touched t where p.mailbox = t.mailbox and p.page = t.page
  ), new_pages as (
    insert into uid_page (mailbox, page, bits)
    select t.mailbox, t.page, uid_page_with(${empty}, t.places, 1) from touched t
    where not exists (select from uid_page p where p.mailbox = t.mailbox and p.page = t.page)
  )`;

/** Parts of a `with`: UIDs of `from` are gone, and so are pages without any. */
export const takeFromPages = (from: string): string => `${places(from)}, left_pages as materialized (
    select t.mailbox, t.page, uid_page_with(p.bits, t.places, 0) as bits
    from touched t join uid_page p on p.mailbox = t.mailbox and p.page = t.page
  ), kept_pages as (
    update uid_page p set bits = l.bits from left_pages l
    where p.mailbox = l.mailbox and p.page = l.page and l.bits <> ${empty}
  ), empty_pages as (
    delete from uid_page p using left_pages l
    where p.mailbox = l.mailbox and p.page = l.page and l.bits = ${empty}
  )`;
