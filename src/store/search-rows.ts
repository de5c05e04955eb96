/**
 * store/search-rows - which messages of a mailbox meet a condition that asks for rows only: one statement, one snapshot.
 */
import type { MailboxId, ModSeq } from '../mail/mailbox.ts';
import { UidSet } from '../mail/uid-set.ts';
import type { Database } from '../ports/database.ts';
import { asksFor, type Plain } from './search-key.ts';
import { anyText, condition, needsBody, Values } from './search-sql.ts';

/** What was found so far. */
export class Finding {
  readonly uids = new UidSet();
  #latest: ModSeq | undefined;

  /** UIDs as `string_agg` lists them, and the highest MODSEQ among them. */
  add({ uids, latest }: Listed): void {
    if (uids !== null) for (const uid of uids.split(',')) this.uids.add(Number(uid));
    if (latest !== null && latest > (this.#latest ?? 0)) this.#latest = latest;
  }

  /** The MODSEQ only where it is asked for (RFC 7162 §3.1.5). */
  as(key: Plain): { readonly uids: UidSet; readonly highestModSeq?: ModSeq } {
    const { uids } = this;
    return this.#latest === undefined || !asksFor(key, 'modSeq')
      ? { uids }
      : { uids, highestModSeq: this.#latest };
  }
}

/** What `listed` selects. */
export interface Listed {
  readonly uids: string | null;
  readonly latest: ModSeq | null;
}

export const listed = `string_agg(m.uid::text, ',') as uids, max(m.mod_seq) as latest`;

/** `m` with `b` where the key looks at it. */
export const messageTables = (key: Plain): string =>
  needsBody(key) ? 'mailbox_message m join body b on b.id = m.body' : 'mailbox_message m';

/** Further tables, with the values they ask for so far. */
export interface Joined {
  readonly values: Values;
  readonly inMailbox: string;
  readonly join: string;
}

/** Tests of texts are taken for true, whether or not there is a text. */
export async function findRows(
  database: Database,
  mailbox: MailboxId,
  key: Plain,
  now: Date,
  signal: AbortSignal,
  joined?: Joined,
): Promise<Finding> {
  const values = joined?.values ?? new Values();
  const inMailbox = joined?.inMailbox ?? values.add(mailbox, 'int8');
  const where = condition(key, values, now, anyText);
  // Some thousands a row: fewer rows to carry, none of them huge.
  const text = `select ${listed} from ${messageTables(key)} ${joined?.join ?? ''}
    where m.mailbox = ${inMailbox} and ${where} group by m.uid >> 14`;
  const found = new Finding();
  for await (const row of database.rows<Listed>(text, values.list, signal)) found.add(row);
  return found;
}
