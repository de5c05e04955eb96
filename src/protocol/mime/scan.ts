/**
 * protocol/mime/scan - what a message is, learned in one pass while it streams by.
 *
 * Push scanner: chunks of any size in, at the end ContentFacts and the header fields that somebody asked for.
 * Only the header section is kept, and only up to a bound. The content is looked at as it is: nothing is changed.
 *
 * Speed: one pass of plain comparisons over the octets; the header section is parsed once, at the end.
 */
import { isAscii } from 'node:buffer';
import type { ContentFacts, HeaderFields } from '../../mail/content.ts';
import { parseOwnReceived } from '../smtp/received.ts';

const CR = 0x0d;
const LF = 0x0a;
const headerEnd = Buffer.of(CR, LF, CR, LF);
/** Of a header section, kept apart. */
const mostPieces = 64;

export interface ScanOptions {
  /** Names of this installation, lower case: Received fields by them with our mark are our own. */
  readonly ownNames: ReadonlySet<string>;
  /** Lower-case names of the fields to keep. */
  readonly fields?: readonly string[];
  /** Octets of header section kept at most; default 64 KiB. What is beyond is not parsed: see `headerTooBig`. */
  readonly headerLimit?: number;
}

/** Things that no message should have; first of each kind decides nothing here. */
export interface Oddities {
  readonly bareCr: boolean;
  readonly bareLf: boolean;
  readonly nul: boolean;
}

export interface Scanned {
  readonly facts: ContentFacts;
  readonly fields: HeaderFields;
  /** Number of fields in the header section. */
  readonly fieldCount: number;
  /** The header section is longer than the limit: hops and fields were counted in its beginning only. */
  readonly headerTooBig: boolean;
}

export class ContentScanner {
  readonly #options: ScanOptions;
  readonly #headerLimit: number;
  #size = 0;
  #lineLength = 0;
  #longestLine = 0;
  #lastCr = false;
  #bareCr = false;
  #bareLf = false;
  #nul = false;
  #eightBit = false;

  #header: Buffer[] = [];
  #headerLength = 0;
  #headerState: 'open' | 'done' | 'tooBig' = 'open';
  /** The last octets of the header so far, where its end may begin; the message stands behind a CRLF, so to speak. */
  #tail: Buffer = headerEnd.subarray(0, 2);

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#headerLimit = options.headerLimit ?? 65_536;
  }

  /** Octets so far. */
  get size(): number {
    return this.#size;
  }

  get odd(): Oddities {
    return { bareCr: this.#bareCr, bareLf: this.#bareLf, nul: this.#nul };
  }

  /** Whether some oddity was seen: cheaper than asking for all. */
  get isOdd(): boolean {
    return this.#bareCr || this.#bareLf || this.#nul;
  }

  get headerTooBig(): boolean {
    return this.#headerState === 'tooBig';
  }

  /** Whether the last octets were CRLF (true for an empty message). */
  get endsLine(): boolean {
    return this.#lineLength === 0 && !this.#lastCr;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (!this.#eightBit && !isAscii(chunk)) this.#eightBit = true;
    if (this.#headerState === 'open') this.#keepHeader(chunk);
    this.#size += chunk.length;
    this.#lines(chunk);
  }

  #lines(chunk: Buffer): void {
    const length = chunk.length;
    let lineStart = -this.#lineLength;
    let lastCr = this.#lastCr;
    for (let i = 0; i < length; i++) {
      const octet = chunk[i] as number;
      if (octet > CR) {
        if (lastCr) {
          this.#bareCr = true;
          lastCr = false;
        }
        continue;
      }
      if (octet === LF) {
        if (!lastCr) this.#bareLf = true;
        const lineLength = i - lineStart - (lastCr ? 1 : 0);
        if (lineLength > this.#longestLine) this.#longestLine = lineLength;
        lineStart = i + 1;
        lastCr = false;
        continue;
      }
      if (lastCr) this.#bareCr = true;
      lastCr = octet === CR;
      if (octet === 0) this.#nul = true;
    }
    this.#lastCr = lastCr;
    this.#lineLength = length - lineStart;
  }

  #keepHeader(chunk: Buffer): void {
    const end = this.#endOfHeader(chunk);
    const part = end < 0 ? chunk : chunk.subarray(0, end);
    const room = this.#headerLimit - this.#headerLength;
    this.#header.push(part.length > room ? part.subarray(0, room) : part);
    this.#headerLength += Math.min(part.length, room);
    // Sent octet by octet, a header would take some hundred times its size.
    if (this.#header.length >= mostPieces) this.#header = [Buffer.concat(this.#header)];
    if (part.length > room) this.#headerState = endsBefore(this.#header) ? 'done' : 'tooBig';
    else if (end >= 0) this.#headerState = 'done';
    else this.#tail = tailOf(this.#tail, chunk);
  }

  /** Octets of `chunk` that belong to the header section, with the CRLF of its last line; -1: all, and more follows. */
  #endOfHeader(chunk: Buffer): number {
    const tail = this.#tail;
    const seam = Buffer.concat([tail, chunk.subarray(0, 3)]).indexOf(headerEnd);
    if (seam >= 0) return Math.max(0, seam + 2 - tail.length);
    const at = chunk.indexOf(headerEnd);
    return at < 0 ? -1 : at + 2;
  }

  /** The facts, once the last chunk was pushed. */
  finish(): Scanned {
    const longest = Math.max(this.#longestLine, this.#lineLength);
    const header = this.#header.length === 1 ? (this.#header[0] as Buffer) : Buffer.concat(this.#header);
    const utf8Header = this.#eightBit && !isAscii(header);
    const parsed = parseHeader(header, utf8Header, this.#options);
    return {
      facts: {
        size: this.#size,
        eightBit: this.#eightBit,
        utf8Header,
        longestLine: longest,
        hops: parsed.hops,
        ownHops: parsed.ownHops,
        sitesSeen: parsed.sitesSeen,
        ...(parsed.messageId === undefined ? {} : { messageId: parsed.messageId }),
      },
      fields: parsed.fields,
      fieldCount: parsed.count,
      headerTooBig: this.headerTooBig,
    };
  }
}

/** The last three octets of what was seen so far. */
function tailOf(before: Buffer, chunk: Buffer): Buffer {
  if (chunk.length >= 3) return chunk.subarray(chunk.length - 3);
  const both = Buffer.concat([before, chunk]);
  return both.subarray(Math.max(0, both.length - 3));
}

const fieldStart = /^[!-9;-~]+[ \t]*:/;

/** A message without a blank line: whether some line is neither field nor continuation, so that the header ended there. */
function endsBefore(header: readonly Buffer[]): boolean {
  const lines = Buffer.concat(header).toString('latin1').split('\r\n');
  return lines.some((line, index) => {
    const cut = index === lines.length - 1;
    return !cut && !/^[ \t]/.test(line) && !fieldStart.test(line);
  });
}

interface ParsedHeader {
  readonly fields: Map<string, string[]>;
  readonly count: number;
  readonly hops: number;
  readonly ownHops: number;
  readonly sitesSeen: readonly string[];
  readonly messageId: string | undefined;
}

function parseHeader(header: Buffer, utf8: boolean, options: ScanOptions): ParsedHeader {
  const wanted = new Set(options.fields);
  const fields = new Map<string, string[]>();
  const sitesSeen: string[] = [];
  let count = 0;
  let hops = 0;
  let ownHops = 0;
  let messageId: string | undefined;
  for (const { name, value } of headerFields(utf8 ? header.toString('utf8') : header.toString('latin1'))) {
    count++;
    if (wanted.has(name)) {
      const values = fields.get(name);
      if (values === undefined) fields.set(name, [value()]);
      else values.push(value());
    }
    if (name === 'received') {
      hops++;
      const own = parseOwnReceived(value(), options.ownNames);
      if (own) ownHops++;
      if (own?.site !== undefined) sitesSeen.push(own.site);
    } else if (name === 'message-id' && messageId === undefined) {
      messageId = /<[^<>\s]{1,996}>/.exec(value())?.[0];
    }
  }
  return { fields, count, hops, ownHops, sitesSeen, messageId };
}

/** Fields in order; a line that is neither a field nor a continuation is passed over. */
function* headerFields(text: string): Generator<{ name: string; value: () => string }> {
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf('\r\n', at);
    while (end >= 0 && (text.charCodeAt(end + 2) === 0x20 || text.charCodeAt(end + 2) === 0x09)) {
      end = text.indexOf('\r\n', end + 2);
    }
    const stop = end < 0 ? text.length : end;
    const start = at;
    const colon = text.indexOf(':', at);
    if (colon > start && colon < stop) {
      const name = text.slice(start, colon).trimEnd().toLowerCase();
      if (/^[!-9;-~]+$/.test(name)) yield { name, value: () => unfold(text.slice(colon + 1, stop)) };
    }
    at = stop + 2;
  }
}

/** RFC 5322 §2.2.3: the CRLF of folding goes, the space after it stays. */
const unfold = (value: string): string => value.replace(/\r\n/g, '').trim();
