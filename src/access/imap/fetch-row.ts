/**
 * access/imap/fetch-row - one message told as a FETCH response (RFC 9051 §7.5.2).
 */
import type { MessageRow } from '../../mail/mailbox.ts';
import type { MessageStructure } from '../../mail/structure.ts';
import type { FetchWish } from '../../protocol/imap/request/fetch.ts';
import {
  type Content,
  type FetchItem,
  fetched,
  type Piece,
  type Section,
} from '../../protocol/imap/respond/fetch.ts';
import { readStructure } from '../../protocol/mime/stored-structure.ts';
import { binarySection, binarySize } from './binary.ts';
import { ofOctets, ofSpan, readSpan, type Source, writeContent } from './content.ts';
import type { Plan } from './fetch-plan.ts';
import { flagsTold } from './news.ts';
import { cut, selectFields, spanOf } from './sections.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

export type Prepared = readonly FetchItem<Source>[];

/** Contents up to so many octets are read before the response begins, larger ones as they are written. */
const smallContent = 32_768;

/** `hasChanged`: its flags have just become others, and are told even if nobody asked. */
export async function tellMessage(
  session: Session,
  view: View,
  plan: Plan,
  row: MessageRow,
  hasChanged: boolean,
): Promise<void> {
  await tellPrepared(session, view, row, await prepareMessage(session, view, plan, row, hasChanged));
}

/** What needs nothing but the row is there at once. */
export function prepareMessage(
  session: Session,
  view: View,
  plan: Plan,
  row: MessageRow,
  hasChanged: boolean,
): Prepared | Promise<Prepared> {
  const structure = row.structure === undefined ? undefined : readStructure(row.structure);
  const items = plan.wishes.map((wish) => itemOf(session, view, row, structure, wish));
  if (hasChanged && !plan.tellsFlags) items.unshift({ item: 'FLAGS', flags: flagsTold(session, view, row) });
  return plan.contents > 0 ? withContents(session, items) : (items as FetchItem<Source>[]);
}

type Made = FetchItem<Source> | Promise<FetchItem<Source>>;

async function withContents(session: Session, items: readonly Made[]): Promise<Prepared> {
  const made = await Promise.all(items);
  return await Promise.all(
    made.map(async (item) => {
      const content = 'content' in item ? item.content : undefined;
      if (content?.body.kind !== 'span' || content.size > smallContent) return item;
      const { body, span } = content.body;
      return { ...item, content: ofOctets(await readSpan(session, body, span)) };
    }),
  );
}

/** Undefined: all has been written. */
export function tellPrepared(
  session: Session,
  view: View,
  row: MessageRow,
  items: Prepared,
): Promise<void> | undefined {
  const isUidOnly = session.enabled.has('UIDONLY');
  const which = isUidOnly ? row.uid : view.uids.rank(row.uid);
  const pieces = fetched(isUidOnly ? 'UIDFETCH' : 'FETCH', which, items, session.dialect);
  if (items.some((item) => 'content' in item && item.content !== undefined))
    return writePieces(session, pieces);
  for (const piece of pieces) if (piece.kind === 'octets') session.say(piece.octets);
  return undefined;
}

async function writePieces(session: Session, pieces: Iterable<Piece<Source>>): Promise<void> {
  let isBegun = false;
  try {
    for (const piece of pieces) {
      if (piece.kind === 'octets') session.say(piece.octets);
      else {
        isBegun = true;
        await writeContent(session, piece.content.size, piece.content.body);
      }
    }
  } catch (thrown) {
    // Octets were promised: nothing else that we say would be understood.
    if (isBegun) session.connection.destroy();
    throw thrown;
  }
}

function itemOf(
  session: Session,
  view: View,
  row: MessageRow,
  structure: MessageStructure | undefined,
  wish: FetchWish,
): Made {
  switch (wish.item) {
    case 'UID':
      return { item: 'UID', value: row.uid };
    case 'FLAGS':
      return { item: 'FLAGS', flags: flagsTold(session, view, row) };
    case 'MODSEQ':
      return { item: 'MODSEQ', value: row.modSeq };
    case 'RFC822.SIZE':
      return { item: 'RFC822.SIZE', value: row.size };
    case 'INTERNALDATE':
      return { item: 'INTERNALDATE', date: row.internalDate };
    case 'SAVEDATE':
      return { item: 'SAVEDATE', date: row.savedDate };
    case 'EMAILID':
      return { item: 'EMAILID', id: row.emailId };
    case 'THREADID':
      return { item: 'THREADID', id: row.threadId };
    case 'PREVIEW':
      return { item: 'PREVIEW', text: row.preview ?? '' };
    case 'ENVELOPE':
      return { item: 'ENVELOPE', summary: need(structure, row).summary };
    case 'BODY':
    case 'BODYSTRUCTURE':
      return { item: wish.item, root: need(structure, row).root };
    case 'RFC822':
      return { item: 'RFC822', content: ofSpan(row.body, { start: 0, end: row.size }) };
    case 'RFC822.HEADER':
      return { item: wish.item, content: ofSpan(row.body, need(structure, row).root.header) };
    case 'RFC822.TEXT':
      return { item: wish.item, content: ofSpan(row.body, need(structure, row).root.body) };
    case 'BINARY.SIZE':
      return sizeItem(session, row, need(structure, row), wish.part);
    case 'BODY[]':
    case 'BINARY[]':
      return sectionItem(session, row, structure, wish);
  }
}

async function sizeItem(
  session: Session,
  row: MessageRow,
  structure: MessageStructure,
  part: readonly number[],
): Promise<FetchItem<Source>> {
  return { item: 'BINARY.SIZE', part, octets: await binarySize(session, row, structure, part) };
}

async function sectionItem(
  session: Session,
  row: MessageRow,
  structure: MessageStructure | undefined,
  wish: FetchWish & { readonly item: 'BODY[]' | 'BINARY[]' },
): Promise<FetchItem<Source>> {
  const content =
    wish.item === 'BODY[]'
      ? await bodySection(session, row, structure, wish)
      : await binarySection(session, row, need(structure, row), wish);
  const { item, section, partial } = wish;
  return { item, section, content, ...(partial === undefined ? {} : { origin: partial.origin }) };
}

async function bodySection(
  session: Session,
  row: MessageRow,
  structure: MessageStructure | undefined,
  { section, partial }: FetchWish & { readonly item: 'BODY[]' | 'BINARY[]' },
): Promise<Content<Source> | undefined> {
  if (isWhole(section)) return ofSpan(row.body, cut({ start: 0, end: row.size }, partial));
  const span = spanOf(need(structure, row), section);
  if (span === undefined) return undefined;
  const { of } = section;
  if (typeof of !== 'object') return ofSpan(row.body, cut(span, partial));
  const chosen = selectFields(await readSpan(session, row.body, span), of.fields, of.not);
  const { start, end } = cut({ start: 0, end: chosen.length }, partial);
  return ofOctets(chosen.subarray(start, end));
}

const isWhole = ({ part, of }: Section): boolean => part.length === 0 && of === undefined;

function need(structure: MessageStructure | undefined, row: MessageRow): MessageStructure {
  if (structure === undefined) throw new Error(`body ${row.body} has no structure`);
  return structure;
}
