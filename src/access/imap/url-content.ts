/**
 * access/imap/url-content - a message, or a part of one, that a client names by an IMAP URL (RFC 4469 §3.1).
 */
import type { MessageRow } from '../../mail/mailbox.ts';
import { readStructure } from '../../protocol/mime/stored-structure.ts';
import { readSpan } from './content.ts';
import { Refusal } from './refusal.ts';
import { cut, selectFields, spanOf } from './sections.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';
import { type MessageUrl, parseMessageUrl } from './url.ts';

/** Throws a Refusal with BADURL when it names nothing that this user may read. */
export async function* urlContent(session: Session, user: User, url: string): AsyncIterable<Uint8Array> {
  const badUrl = (): Refusal =>
    new Refusal('NO', { text: 'This URL names nothing here', code: { code: 'BADURL', url } });
  const parsed = parseMessageUrl(url);
  if (parsed === undefined) throw badUrl();
  const row = await find(session, user, parsed);
  if (row?.structure === undefined) throw badUrl();
  const span = spanOf(readStructure(row.structure), parsed.section);
  if (span === undefined) throw badUrl();
  const { of } = parsed.section;
  if (typeof of === 'object') {
    const chosen = selectFields(await readSpan(session, row.body, span), of.fields, of.not);
    const { start, end } = cut({ start: 0, end: chosen.length }, parsed.partial);
    yield chosen.subarray(start, end);
    return;
  }
  const range = cut(span, parsed.partial);
  if (range.start < range.end) yield* session.deps.reading.content(row.body, session.signal, range);
}

async function find(session: Session, user: User, url: MessageUrl): Promise<MessageRow | undefined> {
  const id = await mailboxOf(session, user, url);
  if (id === undefined) return undefined;
  const ranges = [{ first: url.uid, last: url.uid }];
  for await (const rows of session.deps.reading.rows(id, ranges, { structure: true }, session.signal))
    for (const row of rows) return row;
  return undefined;
}

async function mailboxOf(
  { state }: Session,
  user: User,
  { mailbox, uidValidity }: MessageUrl,
): Promise<number | undefined> {
  if (mailbox === undefined) return state.kind === 'selected' ? state.view.mailbox : undefined;
  const known = await user.names.find(mailbox);
  if (known === undefined || !known.folder.selectable || !known.rights.includes('r')) return undefined;
  if (uidValidity !== undefined && uidValidity !== known.folder.status.uidValidity) return undefined;
  return known.folder.id;
}
