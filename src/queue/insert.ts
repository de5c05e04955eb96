/**
 * queue/insert - messages, recipients and trace rows into their tables, any number in one statement each.
 *
 * insertMessages is one statement for all three tables: one round trip and one commit for a whole batch of
 * accepted messages. Bodies travel as binary arrays (postgres-array.ts). A claim for a worker that was given up
 * meanwhile is none.
 */
import type { Queryable } from '../ports/database.ts';
import {
  boolArray,
  byteaArray,
  int4Array,
  int8Array,
  jsonArray,
  textArray,
  timeArray,
} from './postgres-array.ts';
import { type NewRecipient, type SpooledMessage, storeFacts } from './rows.ts';
import type { StoredTraceRow } from './trace-rows.ts';

export interface NewMessage {
  readonly message: SpooledMessage;
  readonly recipients: readonly NewRecipient[];
  readonly trace: readonly StoredTraceRow[];
}

const insertEverything = `
  with m as (
    insert into message (id, sender, message_id, size, received_at, expires_at, facts, trace, body, blob, recipients)
    select id, sender, message_id, size, received_at, expires_at, facts::jsonb, trace, body, blob, recipients
    from unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::timestamptz[], $6::timestamptz[], $7::text[],
                $8::bytea[], $9::bytea[], $10::text[], $11::int4[])
      as new (id, sender, message_id, size, received_at, expires_at, facts, trace, body, blob, recipients)
  ), r as (
    insert into recipient (message_id, slot, address, notify, orcpt, due_at, claimed_by)
    select message_id, slot, address, notify, orcpt, due_at, (select id from worker where id = claimed_by)
    from unnest($12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::int4[])
      as new (message_id, slot, address, notify, orcpt, due_at, claimed_by)
  )
  insert into trace (at, event, queue_id, recipient, sender, message_id, last, detail)
  select at, event, queue_id, recipient, sender, message_id, last, detail::jsonb
  from unnest($19::timestamptz[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::bool[], $26::text[])
    as new (at, event, queue_id, recipient, sender, message_id, last, detail)`;

export async function insertMessages(tx: Queryable, batch: readonly NewMessage[]): Promise<void> {
  const messages = batch.map((one) => one.message);
  const recipients = batch.flatMap((one) =>
    one.recipients.map((recipient) => ({ messageId: one.message.id, ...recipient })),
  );
  await tx.query(insertEverything, [
    textArray(messages.map((m) => m.id)),
    textArray(messages.map((m) => m.transaction.sender?.text ?? '')),
    textArray(messages.map((m) => m.facts.messageId)),
    int8Array(messages.map((m) => m.facts.size)),
    timeArray(messages.map((m) => m.receivedAt)),
    timeArray(messages.map((m) => m.expiresAt)),
    jsonArray(messages.map((m) => storeFacts(m.transaction, m.client, m.facts))),
    byteaArray(messages.map((m) => m.trace)),
    byteaArray(messages.map((m) => (m.content.kind === 'inline' ? m.content.body : undefined))),
    textArray(messages.map((m) => (m.content.kind === 'blob' ? m.content.key : undefined))),
    int4Array(batch.map((one) => one.recipients.length)),
    textArray(recipients.map((r) => r.messageId)),
    textArray(recipients.map((r) => r.slot)),
    textArray(recipients.map((r) => r.recipient.address.text)),
    textArray(recipients.map((r) => r.recipient.notify?.join(','))),
    textArray(recipients.map((r) => r.recipient.orcpt)),
    timeArray(recipients.map((r) => r.dueAt)),
    int4Array(recipients.map((r) => r.claimedBy)),
    ...traceArrays(batch.flatMap((one) => one.trace)),
  ]);
}

/** The eight arrays of trace rows, in the order of the columns. */
export const traceArrays = (rows: readonly StoredTraceRow[]): Buffer[] => [
  timeArray(rows.map((row) => row.at)),
  textArray(rows.map((row) => row.event)),
  textArray(rows.map((row) => row.queueId)),
  textArray(rows.map((row) => row.recipient)),
  textArray(rows.map((row) => row.sender)),
  textArray(rows.map((row) => row.messageId)),
  boolArray(rows.map((row) => row.last)),
  jsonArray(rows.map((row) => row.detail)),
];

const insertTraceRows = `
  insert into trace (at, event, queue_id, recipient, sender, message_id, last, detail)
  select at, event, queue_id, recipient, sender, message_id, last, detail::jsonb
  from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::text[])
    as new (at, event, queue_id, recipient, sender, message_id, last, detail)`;

export async function insertTrace(tx: Queryable, rows: readonly StoredTraceRow[]): Promise<void> {
  if (rows.length > 0) await tx.query(insertTraceRows, traceArrays(rows));
}

/**
 * Rows for more recipients of messages; those whose slot is taken are left out, and those of a message that is no
 * longer in the spool, which is kept there meanwhile. Says which were made.
 */
export async function insertRecipients(
  tx: Queryable,
  rows: readonly (NewRecipient & { readonly messageId: string })[],
): Promise<ReadonlySet<string>> {
  const made = await tx.query<{ message_id: string; slot: string }>(
    `with there as materialized (
       select id from message where id = any($1::text[]) order by id for key share
     ), made as (
       insert into recipient (message_id, slot, address, notify, orcpt, due_at, claimed_by, next_hop, purpose, pinned,
                              report_to, expanded_from)
       select message_id, slot, address, notify, orcpt, due_at, claimed_by, next_hop, purpose, pinned::jsonb, report_to,
              case when expanded_from is null then null
                   else array(select jsonb_array_elements_text(expanded_from::jsonb)) end
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int4[], $8::text[],
                   $9::text[], $10::text[], $11::text[], $12::text[])
         as new (message_id, slot, address, notify, orcpt, due_at, claimed_by, next_hop, purpose, pinned, report_to,
                 expanded_from)
       where message_id in (select id from there)
       on conflict do nothing
       returning message_id, slot
     ), counted as (
       update message m set recipients = m.recipients + c.count
       from (select message_id, count(*)::integer as count from made group by message_id) c where m.id = c.message_id
     )
     select message_id, slot from made`,
    [
      textArray(rows.map((r) => r.messageId)),
      textArray(rows.map((r) => r.slot)),
      textArray(rows.map((r) => r.recipient.address.text)),
      textArray(rows.map((r) => r.recipient.notify?.join(','))),
      textArray(rows.map((r) => r.recipient.orcpt)),
      timeArray(rows.map((r) => r.dueAt)),
      int4Array(rows.map((r) => r.claimedBy)),
      textArray(rows.map((r) => r.nextHop ?? '')),
      textArray(rows.map((r) => r.purpose ?? 'delivery')),
      jsonArray(rows.map((r) => r.pinned)),
      textArray(rows.map((r) => (r.reportTo === undefined ? undefined : (r.reportTo?.text ?? '')))),
      jsonArray(rows.map((r) => (r.expandedFrom?.length ? r.expandedFrom : undefined))),
    ],
  );
  return new Set(made.map((row) => `${row.message_id} ${row.slot}`));
}
