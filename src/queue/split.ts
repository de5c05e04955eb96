/**
 * queue/split - additional copies (dual delivery, journal) get rows of their own before the first delivery.
 *
 * Decided once and then pinned: each is tried, deferred and given up by itself, and none is made a second time when
 * the recipient is tried again, since the recipient's own row says in the same transaction that it was split.
 */
import type { Copy, Decision } from '../mail/route.ts';
import { nextHopKey } from '../mail/route.ts';
import type { Database } from '../ports/database.ts';
import { insertRecipients } from './insert.ts';
import { textArray } from './postgres-array.ts';
import { freshRecipient, type SpooledMessage, type SpooledRecipient, slotOfCopy } from './rows.ts';

export interface Splitting {
  readonly message: SpooledMessage;
  readonly recipient: SpooledRecipient;
  readonly copies: readonly Copy[];
}

/** The copy that is the recipient's own, and the others. */
export function ownCopy(copies: readonly Copy[]): { readonly own?: Copy; readonly others: readonly Copy[] } {
  const at = copies.findIndex((copy) => copy.purpose === 'delivery');
  const own = copies[at];
  return own ? { own, others: copies.toSpliced(at, 1) } : { others: copies };
}

/** Copies besides the recipient's own: of a group, those of the group's own address. */
export function othersOf(decision: Decision): readonly Copy[] {
  if (decision.verdict === 'deliver') return ownCopy(decision.copies).others;
  return decision.verdict === 'expand' ? (decision.copies ?? []) : [];
}

const markSplit = `
  update recipient r set split = true from unnest($1::text[], $2::text[]) as s (message_id, slot)
  where r.message_id = s.message_id and r.slot = s.slot`;

/** Rows claimed for `worker`, for each splitting in order. */
export async function splitCopies(
  database: Database,
  worker: number,
  splittings: readonly Splitting[],
  now: Date,
): Promise<readonly (readonly SpooledRecipient[])[]> {
  const rows = splittings.map(({ message, recipient, copies }) =>
    copies.map((pinned, index) => ({
      messageId: message.id,
      slot: slotOfCopy(recipient.slot, pinned, index),
      recipient: recipient.recipient,
      dueAt: now,
      claimedBy: worker,
      purpose: pinned.purpose,
      pinned,
      nextHop: nextHopKey(pinned.nextHop),
      expandedFrom: recipient.expandedFrom,
      ...(recipient.reportTo === undefined ? {} : { reportTo: recipient.reportTo }),
    })),
  );
  const made = await database.transaction(async (tx) => {
    await tx.query(markSplit, [
      textArray(splittings.map(({ message }) => message.id)),
      textArray(splittings.map(({ recipient }) => recipient.slot)),
    ]);
    return insertRecipients(tx, rows.flat());
  });
  return rows.map((some) =>
    some.filter((row) => made.has(`${row.messageId} ${row.slot}`)).map(freshRecipient),
  );
}
