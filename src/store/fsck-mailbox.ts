/**
 * store/fsck-mailbox - does what is kept with a mailbox agree with its messages?
 *
 * Judged in one snapshot; where something is wrong and is to be mended, judged again under the mailbox's lock. What was
 * mended gets a MODSEQ of its own, and everything expunged before is forgotten: clients then compare all UIDs.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';
import type { StoreFault, StoreFinding } from '../ports/store-check.ts';
import type { Run } from './fsck.ts';
import { pageOctets, pageSize } from './uid-pages.ts';

interface Check {
  readonly fault: StoreFault;
  /** Rows of `text`, in the words of the finding; $1 is the mailbox. None: all is well. */
  readonly find: string;
  /** Statements, in order. */
  readonly mend: readonly string[];
}

const totals = `
  select m.id, row(m.messages, m.unseen, m.deleted, m.size, m.deleted_size)::text as kept,
    row(t.messages, t.unseen, t.deleted, t.size, t.deleted_size)::text as counted, t.*
  from mailbox m cross join lateral (
    select count(*) as messages, count(*) filter (where system & 1 = 0) as unseen,
      count(*) filter (where system & 8 <> 0) as deleted, coalesce(sum(size), 0)::bigint as size,
      coalesce(sum(size) filter (where system & 8 <> 0), 0)::bigint as deleted_size
    from mailbox_message where mailbox = m.id
  ) t where m.id = $1`;

const none = `decode(repeat('00', ${pageOctets}), 'hex')`;
const pages = `
  select coalesce(w.page, p.page) as page, w.bits as wanted, p.bits as kept
  from (
    select (uid / ${pageSize})::int as page, uid_page_with(${none}, array_agg((uid % ${pageSize})::int), 1) as bits
    from mailbox_message where mailbox = $1 group by 1
  ) w full join (select page, bits from uid_page where mailbox = $1) p on p.page = w.page
  where coalesce(w.bits, ${none}) <> coalesce(p.bits, ${none})`;

const highest = `
  select m.id, m.uid_next, m.mod_seq, m.recent_from, m.forgotten_to,
    greatest(m.uid_next, 1 + coalesce((select max(uid) from mailbox_message where mailbox = m.id), 0),
      1 + coalesce((select max(uid) from expunged where mailbox = m.id), 0)) as uid_least,
    greatest(m.mod_seq, 1, (select max(mod_seq) from mailbox_message where mailbox = m.id),
      (select max(mod_seq) from expunged where mailbox = m.id)) as mod_seq_least
  from mailbox m where m.id = $1`;

/** In this order: what is mended first is what later ones count. */
const checks: readonly Check[] = [
  {
    fault: 'notSelectable',
    find: `select 'it is a mere level of names and has messages' as text from mailbox m
      where id = $1 and not selectable and exists (select from mailbox_message where mailbox = m.id)`,
    mend: ['update mailbox set selectable = true where id = $1'],
  },
  {
    fault: 'size',
    find: `select format('%s messages have another size than their bodies', count(*)) as text
      from mailbox_message mm join body b on b.id = mm.body where mm.mailbox = $1 and mm.size <> b.size having count(*) > 0`,
    mend: [
      'update mailbox_message mm set size = b.size from body b where mm.mailbox = $1 and b.id = mm.body and mm.size <> b.size',
    ],
  },
  {
    fault: 'flags',
    find: `select format('%s messages have flags that there are not', count(*)) as text
      from mailbox_message where mailbox = $1 and system & ~31 <> 0 having count(*) > 0`,
    mend: ['update mailbox_message set system = system & 31 where mailbox = $1 and system & ~31 <> 0'],
  },
  {
    fault: 'expungedYetThere',
    find: `select format('%s messages are expunged and still there', count(*)) as text
      from expunged e join mailbox_message mm on mm.mailbox = e.mailbox and mm.uid = e.uid
      where e.mailbox = $1 having count(*) > 0`,
    mend: [
      'delete from expunged e using mailbox_message mm where e.mailbox = $1 and mm.mailbox = $1 and mm.uid = e.uid',
    ],
  },
  {
    fault: 'numbers',
    find: `select format('UIDNEXT %s, MODSEQ %s, recent from %s, forgotten to %s do not fit: its messages need UIDNEXT %s and MODSEQ %s',
        uid_next, mod_seq, recent_from, forgotten_to, uid_least, mod_seq_least) as text
      from (${highest}) h
      where uid_next < uid_least or mod_seq < mod_seq_least or recent_from not between 1 and uid_next
        or forgotten_to not between 0 and mod_seq`,
    mend: [
      `update mailbox m set uid_next = h.uid_least, mod_seq = h.mod_seq_least,
         recent_from = least(greatest(m.recent_from, 1), h.uid_least), forgotten_to = h.mod_seq_least
       from (${highest}) h where m.id = h.id`,
    ],
  },
  {
    fault: 'keywords',
    find: `select format('keywords that the mailbox does not know or spells otherwise: %s', left(string_agg(distinct k, ' '), 500)) as text
      from mailbox m join mailbox_message mm on mm.mailbox = m.id cross join unnest(mm.keywords) k
      where m.id = $1 and mm.keywords is not null and k <> all (m.keywords) having count(*) > 0`,
    mend: [
      `update mailbox m set keywords = m.keywords || array(
         select min(k) from mailbox_message mm cross join unnest(mm.keywords) k
         where mm.mailbox = m.id and mm.keywords is not null and lower(k) not in (select lower(o) from unnest(m.keywords) o)
         group by lower(k))
       where m.id = $1`,
      `update mailbox_message mm set keywords = array(
         select distinct o from unnest(mm.keywords) k join unnest(m.keywords) o on lower(o) = lower(k))
       from mailbox m where m.id = $1 and mm.mailbox = m.id and not mm.keywords <@ m.keywords`,
    ],
  },
  {
    fault: 'pages',
    find: `select format('%s of the pages that say which UIDs there are do not agree with the messages', count(*)) as text
      from (${pages}) p having count(*) > 0`,
    mend: [
      `insert into uid_page (mailbox, page, bits) select $1, page, coalesce(wanted, ${none}) from (${pages}) p
       on conflict (mailbox, page) do update set bits = excluded.bits`,
      `delete from uid_page where mailbox = $1 and bits = ${none}`,
    ],
  },
  {
    fault: 'totals',
    find: `select format('messages, unseen, deleted, size and size of deleted are kept as %s and counted as %s', kept, counted) as text
      from (${totals}) t where kept <> counted`,
    mend: [
      `update mailbox m set messages = t.messages, unseen = t.unseen, deleted = t.deleted, size = t.size,
         deleted_size = t.deleted_size from (${totals}) t where m.id = t.id`,
    ],
  },
];

/** In a transaction of its own. */
export async function checkMailbox(run: Run, tx: Queryable, id: MailboxId): Promise<StoreFinding[]> {
  await tx.query('set transaction isolation level repeatable read');
  const where = await place(tx, id);
  if (where === undefined) return [];
  const seen = await judge(tx, id);
  if (seen.length === 0 || !run.repair)
    return seen.map(({ fault, text }) => ({ fault, where, text, mending: 'can be mended' }));
  return run.database.transaction(async (lock) => {
    await lock.query('select from mailbox where id = $1 for update', [id]);
    const findings: StoreFinding[] = [];
    for (const check of checks) {
      for (const text of await texts(lock, check, id))
        findings.push({ fault: check.fault, where, text, mending: 'mended' });
      if (findings.at(-1)?.fault !== check.fault) continue;
      for (const statement of check.mend) await lock.query(statement, [id]);
    }
    if (findings.length > 0)
      await lock.query('update mailbox set mod_seq = mod_seq + 1, forgotten_to = mod_seq + 1 where id = $1', [
        id,
      ]);
    return findings;
  });
}

async function place(tx: Queryable, id: MailboxId): Promise<string | undefined> {
  const [row] = await tx.query<{ place: string }>(
    `select a.name || '/' || m.name as place from mailbox m join account a on a.id = m.account where m.id = $1`,
    [id],
  );
  return row?.place;
}

async function judge(
  tx: Queryable,
  id: MailboxId,
): Promise<readonly { readonly fault: StoreFault; readonly text: string }[]> {
  const findings: { fault: StoreFault; text: string }[] = [];
  for (const check of checks)
    for (const text of await texts(tx, check, id)) findings.push({ fault: check.fault, text });
  return findings;
}

async function texts(tx: Queryable, { find }: Check, id: MailboxId): Promise<readonly string[]> {
  return (await tx.query<{ text: string }>(find, [id])).map(({ text }) => text);
}
