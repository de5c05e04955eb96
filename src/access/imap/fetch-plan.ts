/**
 * access/imap/fetch-plan - what a FETCH needs of the store, seen once for all its messages.
 */
import type { FetchCommand, FetchWish } from '../../protocol/imap/request/fetch.ts';
import { no } from './refusal.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

export interface Plan {
  /** In the order they are told. */
  readonly wishes: readonly FetchWish[];
  readonly needsStructure: boolean;
  readonly needsPreview: boolean;
  /** Items that are octets of the message. */
  readonly contents: number;
  readonly setsSeen: boolean;
  /** FLAGS are told anyway. */
  readonly tellsFlags: boolean;
}

/** Of one message in one command: each may be held for a moment. */
const contentsAtMost = 100;

const byStructure = new Set([
  'ENVELOPE',
  'BODY',
  'BODYSTRUCTURE',
  'BODY[]',
  'BINARY[]',
  'BINARY.SIZE',
  'RFC822.HEADER',
  'RFC822.TEXT',
]);

export function planOf(
  session: Session,
  view: View,
  { items, uid, changedSince }: Pick<FetchCommand, 'items' | 'uid' | 'changedSince'>,
): Plan {
  const has = (item: FetchWish['item']): boolean => items.some((wish) => wish.item === item);
  if (has('MODSEQ')) session.enable('CONDSTORE'); // RFC 7162 §3.1
  const wishes = [...items];
  const contents = wishes.filter(isContent).length;
  if (contents > contentsAtMost) throw no('tooMany');
  // Where it is told anyway it comes first: what follows may be long.
  if (changedSince !== undefined && !has('MODSEQ')) wishes.unshift({ item: 'MODSEQ' });
  if (uid && !has('UID') && !session.enabled.has('UIDONLY')) wishes.unshift({ item: 'UID' });
  return {
    wishes,
    needsStructure: wishes.some((wish) => byStructure.has(wish.item) && !isWhole(wish)),
    needsPreview: has('PREVIEW'),
    contents,
    setsSeen: mayMarkSeen(view) && items.some(setsSeen),
    tellsFlags: has('FLAGS'),
  };
}

const isWhole = (wish: FetchWish): boolean =>
  wish.item === 'BODY[]' && wish.section.part.length === 0 && wish.section.of === undefined;

const isContent = ({ item }: FetchWish): boolean =>
  item.startsWith('BODY[') ||
  item.startsWith('BINARY') ||
  (item.startsWith('RFC822') && item !== 'RFC822.SIZE');

const setsSeen = (wish: FetchWish): boolean =>
  wish.item === 'RFC822' ||
  wish.item === 'RFC822.TEXT' ||
  ((wish.item === 'BODY[]' || wish.item === 'BINARY[]') && !wish.peek);

const mayMarkSeen = (view: View): boolean => !view.isReadOnly && view.rights.includes('s');
