/**
 * store/page-statements - pieces of SQL that keep `uid_page` true to the messages of its mailbox.
 *
 * The mailbox is locked and the statement began after that, so nobody else changes its pages meanwhile.
 */
import { pageOctets, pageSize } from './uid-pages.ts';

const empty = `decode(repeat('00', ${pageOctets}), 'hex')`;

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
