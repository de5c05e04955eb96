/**
 * sieve/message/mime - the parts of a message (RFC 2045, RFC 2046), with their places in its octets.
 *
 * Read once, when a script first asks. Bounded in depth and number: what is beyond the bounds is text of its parent.
 */
import { decodeBase64, decodeCharset, decodeQuotedPrintable } from './charset.ts';
import { type HeaderSection, parseHeader } from './header.ts';
import { type Parameterized, parseParameters } from './parameters.ts';

export interface Part {
  readonly header: HeaderSection;
  /** `type/subtype`, lower case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** As it stands in the message, still encoded. */
  readonly content: Uint8Array;
  /** Of multipart/*: its parts. Of message/rfc822: the one message inside. */
  readonly children: readonly Part[];
  /** Of multipart/*: what stands before the first and after the last boundary. */
  readonly prologue: Uint8Array;
  readonly epilogue: Uint8Array;
}

export const mimeLimits = { depth: 32, parts: 2_000 } as const;

const none = new Uint8Array(0);

interface Budget {
  parts: number;
}

/** The message itself as the first part. */
export function parseParts(header: HeaderSection, body: Uint8Array): Part {
  return readPart(header, body, 0, 'text/plain', { parts: mimeLimits.parts });
}

/** A Content-Type as `type/subtype` with its parameters; `otherwise` when there is none of sense (RFC 2045 §5.2). */
export function contentType(header: HeaderSection, otherwise: string): Parameterized {
  const value = header.all('content-type')[0]?.value;
  if (value === undefined) return { value: otherwise, parameters: new Map() };
  const parsed = parseParameters(value);
  return /^[^\s/]+\/[^\s/]+$/.test(parsed.value) ? parsed : { ...parsed, value: 'text/plain' };
}

function readPart(
  header: HeaderSection,
  content: Uint8Array,
  depth: number,
  otherwise: string,
  budget: Budget,
): Part {
  const { value: type, parameters } = contentType(header, otherwise);
  const leaf: Part = { header, type, parameters, content, children: [], prologue: none, epilogue: none };
  budget.parts -= 1;
  if (depth >= mimeLimits.depth || budget.parts <= 0) return leaf;
  if (type === 'message/rfc822' || type === 'message/global') {
    const octets = isEncoded(header) ? decodeTransfer(leaf) : content;
    const inner = parseHeader(octets);
    return {
      ...leaf,
      children: [readPart(inner.header, octets.subarray(inner.bodyAt), depth + 1, 'text/plain', budget)],
    };
  }
  const boundary = parameters.get('boundary');
  if (!type.startsWith('multipart/') || boundary === undefined) return leaf;
  const { prologue, epilogue, parts } = splitAt(boundary, content, budget.parts);
  const inside = type === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
  const children = parts.map((octets) => {
    const inner = parseHeader(octets);
    return readPart(inner.header, octets.subarray(inner.bodyAt), depth + 1, inside, budget);
  });
  return { ...leaf, children, prologue, epilogue };
}

const isEncoded = (header: HeaderSection): boolean =>
  /^(?:base64|quoted-printable)$/i.test(transferEncoding(header));

const transferEncoding = (header: HeaderSection): string =>
  header.all('content-transfer-encoding')[0]?.value.trim() ?? '';

function splitAt(boundary: string, content: Uint8Array, most: number) {
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const mark = Buffer.from(`--${boundary}`, 'utf8');
  const parts: Uint8Array[] = [];
  let prologue: Uint8Array = buffer;
  let epilogue: Uint8Array = none;
  let open: number | undefined;
  for (let at = buffer.indexOf(mark); at >= 0; at = buffer.indexOf(mark, at + 1)) {
    if (at > 0 && buffer[at - 1] !== 0x0a) continue;
    const end = buffer.indexOf(0x0a, at);
    const lineEnd = end < 0 ? buffer.length : end + 1;
    const rest = buffer.toString('latin1', at + mark.length, lineEnd).trimEnd();
    if (rest !== '' && rest !== '--') continue;
    const before = buffer.subarray(open ?? 0, withoutLineEnd(buffer, open ?? 0, at));
    if (open === undefined) prologue = before;
    else parts.push(before);
    if (rest === '--') {
      epilogue = buffer.subarray(lineEnd);
      open = undefined;
      break;
    }
    open = lineEnd;
    if (parts.length >= most) break;
  }
  if (open !== undefined) parts.push(buffer.subarray(open));
  return { prologue, epilogue, parts };
}

/** The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1). */
function withoutLineEnd(buffer: Buffer, from: number, to: number): number {
  if (to > from && buffer[to - 1] === 0x0a) return to > from + 1 && buffer[to - 2] === 0x0d ? to - 2 : to - 1;
  return to;
}

export const hasKnownEncoding = ({ header }: Part): boolean =>
  /^(?:7bit|8bit|binary|base64|quoted-printable|)$/i.test(transferEncoding(header));

/** Octets of a part with its transfer encoding undone; the first of them where there are more than `most`. */
export function decodeTransfer(part: Part, most = part.content.length): Uint8Array {
  const { content } = part;
  // Encoded, an octet takes three at most, and line ends.
  const enough = content.subarray(0, most * 4 + 4_096);
  switch (transferEncoding(part.header).toLowerCase()) {
    case 'base64':
      return decodeBase64(
        Buffer.from(enough.buffer, enough.byteOffset, enough.byteLength).toString('latin1'),
        most,
      );
    case 'quoted-printable':
      return decodeQuotedPrintable(enough, most);
    default:
      return content.subarray(0, most);
  }
}

/** What it costs to have the text of a part, in steps of work. */
export const decodingWork = (part: Part, most: number): number =>
  1 + (Math.min(part.content.length, most) >> (isEncoded(part.header) ? 2 : 4));

/** Text of a part in Unicode, of its first octets; octets as they are where the charset is not known. */
export function decodeText(part: Part, most?: number): string {
  const octets = decodeTransfer(part, most);
  return (
    decodeCharset(octets, part.parameters.get('charset') ?? 'utf-8') ?? decodeCharset(octets, 'utf-8') ?? ''
  );
}

/** Fields that say how what follows is to be read. */
const structural = ['content-type', 'content-transfer-encoding'] as const;

/** The header was edited: the same parts under it, unless it now says otherwise. */
export function withHeader(part: Part, header: HeaderSection): Part | undefined {
  const says = (one: HeaderSection) =>
    JSON.stringify(structural.map((name) => one.all(name)[0]?.value ?? null));
  return says(part.header) === says(header) ? { ...part, header } : undefined;
}

/** A part and all inside it, in the order of the message. */
export function* walk(part: Part): Generator<Part> {
  yield part;
  for (const child of part.children) yield* walk(child);
}
