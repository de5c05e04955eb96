/**
 * store/append - staged messages into mailboxes, in one commit.
 *
 *   lock the mailboxes, read bodies and quotas -> plan -> write -> commit
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import type { Appended } from '../ports/messages.ts';
import {
  type AppendPlan,
  type Ground,
  type Group,
  planAppends,
  replaceKey,
  wholeSecond,
} from './append-plan.ts';
import { expungeIn } from './expunge.ts';
import { insertNew } from './insert-new.ts';
import { lockMailboxes, theLocked } from './lock.ts';
import { Quotas } from './quota.ts';
import type { Touched, WriteOptions } from './write-options.ts';

export interface AppendResult {
  /** One for each group, in order. */
  readonly results: readonly (readonly Appended[] | Error)[];
  readonly touched: readonly Touched[];
}

export async function appendGroups(
  database: Database,
  groups: readonly Group[],
  options: WriteOptions,
): Promise<AppendResult> {
  return database.transaction(async (tx) => {
    const now = options.now();
    const ground = await readGround(tx, groups, now, options);
    const plan = planAppends(groups, ground);
    const touched = await write(tx, plan, ground, now);
    return { results: plan.results, touched };
  });
}

async function readGround(
  tx: Queryable,
  groups: readonly Group[],
  now: Date,
  { limits }: WriteOptions,
): Promise<Ground> {
  const messages = groups.flatMap((group) => group.messages);
  const old = messages.flatMap(({ replaces }) => replaces ?? []);
  const mailboxes = unique([...messages.map(({ mailbox }) => mailbox), ...old.map(({ mailbox }) => mailbox)]);
  // Sent together; each sees what the locks of the first waited for.
  const [locked, bodies, quotas, replaced] = await Promise.all([
    lockMailboxes(tx, mailboxes),
    tx.query<{ id: number; size: number; thread: string }>(
      `select id, size, encode(thread, 'hex') as thread from body where id = any($1::int8[]) order by id for key share`,
      [unique(messages.map(({ body }) => body))],
    ),
    Quotas.read(tx, mailboxes, limits.quotaGrace),
    old.length === 0
      ? []
      : tx.query<{ mailbox: number; uid: number; size: number }>(
          `select m.mailbox, m.uid, m.size from unnest($1::int8[], $2::int8[]) as o (mailbox, uid)
           join mailbox_message m on m.mailbox = o.mailbox and m.uid = o.uid`,
          [old.map(({ mailbox }) => mailbox), old.map(({ uid }) => uid)],
        ),
  ]);
  return {
    locked,
    bodies: new Map(bodies.map((body) => [body.id, body])),
    replaced: new Map(replaced.map(({ mailbox, uid, size }) => [replaceKey(mailbox, uid), size])),
    quotas,
    now,
    mostKeywords: limits.keywords,
  };
}

const insert = `
  with new as materialized (
    select n.*, decode(n.root, 'hex') as thread from json_to_recordset($1::json) as n (
      mailbox int8, uid int8, mod_seq int8, system int2, keywords text[], internal_date timestamptz, body int8,
      size int8, root text, uidl text)
  ), ${insertNew('$2')} select 1`;

async function write(tx: Queryable, plan: AppendPlan, ground: Ground, now: Date): Promise<Touched[]> {
  if (plan.rows.length === 0) return [];
  const statements: Promise<unknown>[] = [tx.query(insert, [JSON.stringify(plan.rows), wholeSecond(now)])];
  for (const [mailbox, keywords] of plan.keywords)
    statements.push(tx.query('update mailbox set keywords = $2 where id = $1', [mailbox, keywords]));
  const touched = new Map<MailboxId, Touched>();
  const touch = (mailbox: MailboxId, modSeq: number): void => {
    const box = ground.locked.get(mailbox);
    if (box !== undefined) touched.set(mailbox, { account: box.account, mailbox, modSeq });
  };
  for (const { mailbox, mod_seq } of plan.rows) touch(mailbox, mod_seq);
  await Promise.all(statements);
  for (const [mailbox, uids] of plan.replaces) {
    const ranges = uids.map((uid) => ({ first: uid, last: uid }));
    const { uidNext } = theLocked(ground.locked, mailbox);
    const { modSeq } = await expungeIn(tx, { id: mailbox, uidNext }, { uids: ranges, anyway: true }, now);
    if (modSeq > 0) touch(mailbox, modSeq);
  }
  return [...touched.values()];
}

const unique = (ids: readonly number[]): number[] => [...new Set(ids)];
