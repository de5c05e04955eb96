/**
 * protocol/imap/respond/fetch - the FETCH response (RFC 9051 §7.5.2) as octets and, between them, bodies.
 *
 * A body is announced with its size and is then the caller's to write: exactly as many octets as announced, before
 * the next piece. So no message is ever in memory here. Literal8 stands where BINARY asks for it (RFC 3516 §4.2).
 */
import type { HeaderSummary, Part } from '../../../mail/structure.ts';
import { printBody, printBodyStructure, printEnvelope } from '../print-structure.ts';
import { type Dialect, flag, list, nstring, number, objectId, string } from './notation.ts';

export type FetchItem<Body> =
  | { readonly item: 'FLAGS'; readonly flags: readonly string[] }
  | { readonly item: 'UID' | 'RFC822.SIZE'; readonly value: number }
  | { readonly item: 'MODSEQ'; readonly value: number | bigint }
  | { readonly item: 'INTERNALDATE'; readonly date: Date }
  /** RFC 8514 §4.2; undefined where dates of saving are not kept. */
  | { readonly item: 'SAVEDATE'; readonly date: Date | undefined }
  | { readonly item: 'ENVELOPE'; readonly summary: HeaderSummary }
  | { readonly item: 'BODY' | 'BODYSTRUCTURE'; readonly root: Part }
  | { readonly item: 'EMAILID'; readonly id: string }
  | { readonly item: 'THREADID'; readonly id: string | undefined }
  /** RFC 8970 §3.2: undefined when it cannot be made now. */
  | { readonly item: 'PREVIEW'; readonly text: string | undefined }
  | { readonly item: 'BINARY.SIZE'; readonly part: readonly number[]; readonly octets: number }
  | {
      readonly item: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT';
      readonly content: Content<Body> | undefined;
    }
  | {
      readonly item: 'BODY[]' | 'BINARY[]';
      readonly section: Section;
      /** Where a partial fetch begins. */
      readonly origin?: number;
      /** Undefined: there is no such part. */
      readonly content: Content<Body> | undefined;
    };

export interface Section {
  readonly part: readonly number[];
  readonly of?: 'HEADER' | 'TEXT' | 'MIME' | { readonly fields: readonly string[]; readonly not: boolean };
}

export interface Content<Body> {
  readonly size: number;
  /** Whatever lets the caller write it. */
  readonly body: Body;
}

export type Piece<Body> =
  | { readonly kind: 'octets'; readonly octets: string }
  | { readonly kind: 'body'; readonly content: Content<Body> };

/** `kind`: UIDFETCH in sessions without sequence numbers (RFC 9586 §3.3); `which` is then a UID. */
export function* fetched<Body>(
  kind: 'FETCH' | 'UIDFETCH',
  which: number,
  items: Iterable<FetchItem<Body>>,
  dialect: Pick<Dialect, 'utf8'>,
): IterableIterator<Piece<Body>> {
  let octets = `* ${number(which)} ${kind} (`;
  let separator = '';
  for (const item of items) {
    octets += separator + printItem(item, dialect);
    separator = ' ';
    const content = 'content' in item ? item.content : undefined;
    if (content === undefined) continue;
    yield { kind: 'octets', octets };
    yield { kind: 'body', content };
    octets = '';
  }
  yield { kind: 'octets', octets: `${octets})\r\n` };
}

/** Up to the body, where there is one. */
function printItem<Body>(item: FetchItem<Body>, dialect: Pick<Dialect, 'utf8'>): string {
  switch (item.item) {
    case 'FLAGS':
      return `FLAGS ${list(item.flags.map(flag))}`;
    case 'UID':
    case 'RFC822.SIZE':
      return `${item.item} ${number(item.value)}`;
    case 'MODSEQ':
      return `MODSEQ ${list([number(item.value)])}`;
    case 'INTERNALDATE':
      return `INTERNALDATE ${printDate(item.date)}`;
    case 'SAVEDATE':
      return `SAVEDATE ${item.date === undefined ? 'NIL' : printDate(item.date)}`;
    case 'ENVELOPE':
      return `ENVELOPE ${printEnvelope(item.summary, dialect)}`;
    case 'BODY':
      return `BODY ${printBody(item.root, dialect)}`;
    case 'BODYSTRUCTURE':
      return `BODYSTRUCTURE ${printBodyStructure(item.root, dialect)}`;
    case 'EMAILID':
    case 'THREADID':
      return `${item.item} ${item.id === undefined ? 'NIL' : list([objectId(item.id)])}`;
    case 'PREVIEW':
      return `PREVIEW ${nstring(item.text, dialect)}`;
    case 'BINARY.SIZE':
      return `BINARY.SIZE[${printPart(item.part)}] ${number(item.octets)}`;
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      return `${item.item} ${printHead(item.content, '')}`;
    case 'BODY[]':
    case 'BINARY[]': {
      const origin = item.origin === undefined ? '' : `<${number(item.origin)}>`;
      const name = `${item.item.slice(0, -2)}[${printSection(item.section, dialect)}]${origin}`;
      return `${name} ${printHead(item.content, item.item === 'BINARY[]' ? '~' : '')}`;
    }
  }
}

const printHead = (content: Content<unknown> | undefined, kind: '' | '~'): string =>
  content === undefined ? 'NIL' : `${kind}{${number(content.size)}}\r\n`;

const printPart = (part: readonly number[]): string => part.map(number).join('.');

/** Plain names without quotes: some clients look for the words they have said. */
const fieldName = (name: string, dialect: Pick<Dialect, 'utf8'>): string =>
  /^[A-Za-z0-9_.-]+$/.test(name) ? name : string(name, dialect);

function printSection({ part, of }: Section, dialect: Pick<Dialect, 'utf8'>): string {
  const words = part.map(number);
  if (typeof of === 'string') words.push(of);
  else if (of !== undefined) {
    const names = list(of.fields.map((field) => fieldName(field, dialect)));
    words.push(`HEADER.FIELDS${of.not ? '.NOT' : ''} ${names}`);
  }
  return words.join('.');
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 9051 §9, date-time, in UTC; days below ten begin with a space. */
function printDate(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new RangeError('not a date of IMAP');
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const time = date.toISOString().slice(11, 19);
  return `"${day}-${months[date.getUTCMonth()]}-${String(year).padStart(4, '0')} ${time} +0000"`;
}
