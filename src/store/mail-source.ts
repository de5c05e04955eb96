/**
 * store/mail-source - an account hosted here as the source of a mirror or an export (ports/mail-source).
 *
 * A cursor is UIDVALIDITY, MODSEQ and UIDNEXT as of one instant: what has a higher MODSEQ changed since, and is new
 * when its UID was not given then. As MODSEQ is the mailbox's (adr/0005) nothing commits later with a lower one.
 */
import { type AccountId, flagNames, type MailboxId, type MessageRow, type ModSeq } from '../mail/mailbox.ts';
import type { Uid, UidRange } from '../mail/uid-set.ts';
import {
  type MailCursor,
  MailCursorExpired,
  type MailSource,
  MessageGone,
  type MessageName,
  type SourceChange,
  type SourceMailbox,
  type SourceMessage,
} from '../ports/mail-source.ts';
import type { Mailboxes } from '../ports/mailboxes.ts';
import { MailboxGone, type Reading } from '../ports/messages.ts';
import { AccountMail } from './account-mail.ts';

export interface StoreMailOptions {
  readonly mailboxes: Mailboxes;
  readonly reading: Reading;
}

interface Cursor {
  readonly uidValidity: number;
  readonly modSeq: ModSeq;
  readonly uidNext: Uid;
}

/** The store stays open when the source is closed. */
export function storeMailSource({ mailboxes, reading }: StoreMailOptions, account: AccountId): MailSource {
  const mail = new AccountMail(mailboxes, account);
  return {
    mailboxes: (signal) => mail.all(signal),
    async *changes(mailbox, cursor, signal) {
      try {
        const id = await mail.idOf(mailbox);
        if (id === undefined) throw gone(mailbox);
        if (cursor === undefined) yield* everything(reading, id, signal);
        else yield* since(reading, id, readCursor(cursor), signal);
      } catch (thrown) {
        throw thrown instanceof MailboxGone ? gone(mailbox) : thrown;
      }
    },
    async *content(mailbox, name, signal) {
      const id = await mail.idOf(mailbox);
      const row = id === undefined ? undefined : await rowOf(reading, id, name, signal);
      if (row === undefined)
        throw new MessageGone(`message ${name} is not in ${mailbox.path.join('/')} any more`);
      yield* reading.content(row.body, signal);
    },
    close: async () => undefined,
  };
}

/** What is kept of it is of no use any more: whoever mirrors lists the mailboxes anew. */
const gone = ({ path }: SourceMailbox): MailCursorExpired =>
  new MailCursorExpired(`the mailbox ${path.join('/')} is not there any more`);

/** undefined where the name is none of ours. */
export function uidOf(name: MessageName): Uid | undefined {
  return /^[1-9]\d{0,9}$/.test(name) ? Number(name) : undefined;
}

export async function rowOf(
  reading: Reading,
  mailbox: MailboxId,
  name: MessageName,
  signal: AbortSignal,
): Promise<MessageRow | undefined> {
  const uid = uidOf(name);
  if (uid === undefined) return undefined;
  for await (const rows of reading.rows(mailbox, [{ first: uid, last: uid }], {}, signal)) return rows[0];
  return undefined;
}

const messageOf = (row: MessageRow): SourceMessage => ({
  name: String(row.uid),
  flags: flagNames(row.flags),
  internalDate: row.internalDate,
  size: row.size,
  ...(row.uidl === undefined ? {} : { uidl: row.uidl }),
});

/** What changes while it runs has a higher MODSEQ than the cursor says, and is told again next time. */
async function* everything(
  reading: Reading,
  id: MailboxId,
  signal: AbortSignal,
): AsyncGenerator<SourceChange> {
  const { status, uids } = await reading.snapshot(id);
  for await (const rows of reading.rows(id, [...uids.ranges()], {}, signal))
    for (const row of rows) yield { change: 'added', message: messageOf(row) };
  yield done({ ...status, modSeq: status.highestModSeq });
}

async function* since(
  reading: Reading,
  id: MailboxId,
  cursor: Cursor,
  signal: AbortSignal,
): AsyncGenerator<SourceChange> {
  for (let modSeq = cursor.modSeq; ; ) {
    signal.throwIfAborted();
    const { status, gone, rows, forgotten, more } = await reading.changes(id, modSeq);
    if (status.uidValidity !== cursor.uidValidity)
      throw new MailCursorExpired('the mailbox was made anew since (UIDVALIDITY is another)');
    if (forgotten) throw new MailCursorExpired('what was expunged since then is not known any more');
    for (const name of namesIn(gone)) yield { change: 'gone', name };
    for (const row of rows)
      yield { change: row.uid < cursor.uidNext ? 'flags' : 'added', message: messageOf(row) };
    if (!more) return yield done({ ...status, modSeq: status.highestModSeq });
    modSeq = rows.at(-1)?.modSeq ?? modSeq;
  }
}

function* namesIn(ranges: readonly UidRange[]): Generator<MessageName> {
  for (const { first, last } of ranges) for (let uid = first; uid <= last; uid++) yield String(uid);
}

const done = ({ uidValidity, modSeq, uidNext }: Cursor): SourceChange => ({
  change: 'done',
  cursor: `${uidValidity}.${modSeq}.${uidNext}`,
});

function readCursor(text: MailCursor): Cursor {
  const [, uidValidity, modSeq, uidNext] = /^(\d+)\.(\d+)\.(\d+)$/.exec(text) ?? [];
  if (uidNext === undefined)
    throw new MailCursorExpired(`${JSON.stringify(text)} is no cursor of this store`);
  return { uidValidity: Number(uidValidity), modSeq: Number(modSeq), uidNext: Number(uidNext) };
}
