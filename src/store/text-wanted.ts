/**
 * store/text-wanted - which octets of a message its searchable text is made of: all headers, and the parts with words.
 *
 * RFC 9051 §6.4.4: TEXT looks at header fields, those of parts and of messages within too; BODY at none of them.
 */
import type { MessageStructure, Parameter, Part, Span } from '../mail/structure.ts';
import { decodeCharset } from '../protocol/mime/charset.ts';
import { decodeWords } from '../protocol/mime/encoded-words.ts';
import { isDocument, type LeafKind, leafKind } from './text-leaf.ts';

export interface WantedLeaf {
  readonly kind: LeafKind;
  readonly span: Span;
  readonly encoding: string;
  readonly charset: string | undefined;
}

export interface Wanted {
  readonly header: Span;
  readonly partHeaders: readonly Span[];
  readonly leaves: readonly WantedLeaf[];
  readonly names: readonly string[];
  /** Some part is larger than what is read of one. */
  readonly cut: boolean;
}

/** Octets. Beyond it a header is read in its beginning, a part not at all. */
const mostOfHeader = 1024 * 1024;
const mostOfText = 32 * 1024 * 1024;
const mostOfDocument = 24 * 1024 * 1024;
/** Of all parts together. */
const mostOfLeaves = 40 * 1024 * 1024;
const mostOfPartHeaders = 2 * 1024 * 1024;

export function wantedOf({ root }: MessageStructure): Wanted {
  const partHeaders: Span[] = [];
  const leaves: WantedLeaf[] = [];
  const names: string[] = [];
  let [headerRoom, leafRoom] = [mostOfPartHeaders, mostOfLeaves];
  let cut = root.header.end - root.header.start > mostOfHeader;
  const visit = (part: Part): void => {
    if (part !== root) {
      const header = atMost(part.header, headerRoom);
      headerRoom -= length(header);
      if (length(header) > 0) partHeaders.push(header);
    }
    const children = childrenOf(part);
    for (const child of children) visit(child);
    const name = fileName(part);
    if (name !== undefined && hasEncodedName(part)) names.push(name);
    if (children.length > 0) return;
    const kind = leafKind(part.type, part.subtype, name);
    if (kind === undefined || length(part.body) === 0) return;
    if (length(part.body) > Math.min(leafRoom, isDocument(kind) ? mostOfDocument : mostOfText)) {
      cut = true;
      return;
    }
    leafRoom -= length(part.body);
    leaves.push({ kind, span: part.body, encoding: part.encoding, charset: charsetOf(part) });
  };
  visit(root);
  return { header: atMost(root.header, mostOfHeader), partHeaders, leaves, names, cut };
}

const length = ({ start, end }: Span): number => end - start;

const atMost = ({ start, end }: Span, octets: number): Span => ({
  start,
  end: Math.min(end, start + octets),
});

/** Depth is bounded by protocol/mime/structure. */
function childrenOf(part: Part): readonly Part[] {
  if (part.kind === 'multipart') return part.parts;
  return part.kind === 'message' && part.message !== undefined ? [part.message.root] : [];
}

const find = (list: readonly Parameter[] | undefined, name: string): string | undefined =>
  list?.find((parameter) => parameter.name.toLowerCase() === name)?.value;

const charsetOf = (part: Part): string | undefined => {
  const charset = find(part.parameters, 'charset');
  // What the scanner says of text without one.
  return charset?.toLowerCase() === 'us-ascii' ? undefined : charset;
};

function fileName(part: Part): string | undefined {
  const lists = [part.disposition?.parameters, part.parameters];
  for (const [at, name] of [
    [0, 'filename'],
    [1, 'name'],
  ] as const) {
    const extended = find(lists[at], `${name}*`);
    if (extended !== undefined) return decodeExtended(extended);
    const plain = find(lists[at], name);
    if (plain !== undefined) return decodeWords(plain);
  }
  return undefined;
}

/** The header as it stands does not show the name. */
const hasEncodedName = (part: Part): boolean =>
  [...(part.disposition?.parameters ?? []), ...part.parameters].some(({ name }) => name.endsWith('*'));

/** RFC 2231 §4: charset, language, and octets as `%XX`. */
function decodeExtended(value: string): string {
  const [charset, , ...rest] = value.split("'");
  const octets = rest
    .join("'")
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decodeCharset(Buffer.from(octets, 'latin1'), charset);
}
