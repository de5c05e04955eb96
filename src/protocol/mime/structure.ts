/**
 * protocol/mime/structure - the part tree of a message, with the place of each part, in one pass while it streams by.
 *
 * Push scanner: chunks of any size in, a MessageStructure at the end. Never throws for what a message holds: whatever
 * the octets are, there is a tree, and its places cut the message into exactly its octets.
 *
 * Forgiving where senders err: a bare LF ends a line as CRLF does; a missing closing boundary ends with the part around
 * it or the message; a boundary in a header ends the header. A line is a delimiter when it begins with `--` and the
 * boundary, whatever follows (RFC 2046 §5.1.1); where the boundaries of several open multiparts fit, the longest counts,
 * of equal ones the innermost.
 *
 * Bounded: how deep, how many parts, how many octets of header values and how many addresses and parameters are kept.
 * What lies beyond is not told apart further. Time is linear in the octets.
 */
import type { MessageStructure } from '../../mail/structure.ts';
import { type Allowance, HeaderReader } from './header.ts';
import { contentFieldNames, describeContent, messageFieldNames, summarise } from './header-summary.ts';
import { type Draft, finished, newDraft, newRoot } from './part-draft.ts';

export interface StructureLimits {
  /** Parts within parts, the message itself not counted; default 100. */
  readonly depth?: number;
  /** Parts in all; default 10,000. */
  readonly parts?: number;
  /** Octets of field values kept in all; default 1 MiB. */
  readonly headerOctets?: number;
  /** Addresses, parameters and language tags kept in all; default 20,000. */
  readonly items?: number;
}

const LF = 0x0a;
const CR = 0x0d;
const dash = 0x2d;
/** RFC 2046 §5.1.1 permits 70 octets of boundary; senders are not always so modest. */
const longestBoundary = 8192;
/** Octets of an unfinished line that are kept outside headers: `--`, the boundary, `--`. */
const keptOfLine = longestBoundary + 4;

export class StructureScanner {
  readonly #depth: number;
  readonly #allowance: Allowance;
  #partsLeft: number;
  readonly #root: Draft;
  /** The parts that are open, outermost first; the last is the one whose octets come by. */
  readonly #open: Draft[];
  /** Reads the header of the last open part; undefined within a body. */
  #header: HeaderReader | undefined;
  /** Some open multipart has a boundary. */
  #boundaries = 0;

  /** Octets and line ends before the line at hand. */
  #offset = 0;
  #lines = 0;
  /** Octets of the line end before the line at hand; 0 at the start of the message. */
  #lastEnd = 0;
  /** The beginning of a line whose end has not come yet: its first octets, and how long it is so far. */
  #held = Buffer.alloc(0);
  #heldKept = 0;
  #heldLength = 0;
  #heldCr = false;

  constructor(limits: StructureLimits = {}) {
    this.#depth = limits.depth ?? 100;
    this.#partsLeft = limits.parts ?? 10_000;
    this.#allowance = { octets: limits.headerOctets ?? 1_048_576, items: limits.items ?? 20_000 };
    this.#root = newRoot();
    this.#open = [this.#root];
    this.#header = new HeaderReader(messageFieldNames, this.#allowance);
  }

  push(chunk: Buffer): void {
    let from = 0;
    while (from < chunk.length) {
      const lf = chunk.indexOf(LF, from);
      if (lf < 0) break;
      if (this.#heldLength > 0) this.#endHeld(chunk, from, lf);
      else {
        const end = lf > from && chunk[lf - 1] === CR ? 2 : 1;
        this.#line(chunk, from, lf + 1 - end, lf + 1 - end - from, end);
      }
      from = lf + 1;
    }
    if (from < chunk.length) this.#hold(chunk, from, chunk.length);
  }

  /** The tree, once the last chunk was pushed. */
  finish(): MessageStructure {
    if (this.#heldLength > 0) this.#line(this.#held, 0, this.#heldKept, this.#heldLength, 0);
    this.#forgetHeld();
    if (this.#header !== undefined) this.#endHeader(this.#offset, true);
    this.#closeTo(0, this.#offset, this.#lines);
    const { summary, root } = finished(this.#root);
    return { size: this.#offset, summary, root };
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const room = keptOfLine + (this.#header === undefined ? 0 : this.#allowance.octets) - this.#heldKept;
    const kept = Math.max(0, Math.min(to - from, room));
    if (this.#heldKept + kept > this.#held.length) {
      const larger = Buffer.allocUnsafe(2 * (this.#heldKept + kept));
      this.#held.copy(larger, 0, 0, this.#heldKept);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldKept, from, from + kept);
    this.#heldKept += kept;
    this.#heldLength += to - from;
    this.#heldCr = chunk[to - 1] === CR;
  }

  #forgetHeld(): void {
    if (this.#held.length > 4 * keptOfLine) this.#held = Buffer.alloc(0);
    this.#heldKept = 0;
    this.#heldLength = 0;
    this.#heldCr = false;
  }

  /** The LF of the line whose beginning is held stands at `lf`. */
  #endHeld(chunk: Buffer, from: number, lf: number): void {
    if (lf > from) this.#hold(chunk, from, lf);
    const end = this.#heldCr ? 2 : 1;
    const length = this.#heldLength - (end - 1);
    this.#line(this.#held, 0, Math.min(this.#heldKept, length), length, end);
    this.#forgetHeld();
  }

  /**
   * One line: `length` octets and a line end of `end` octets. `octets` has them between `from` and `to`, or their
   * beginning.
   */
  #line(octets: Buffer, from: number, to: number, length: number, end: number): void {
    const isDelimiter =
      this.#boundaries > 0 &&
      to - from >= 2 &&
      octets[from] === dash &&
      octets[from + 1] === dash &&
      this.#delimiter(octets, from, to, length + end, end);
    if (!isDelimiter && this.#header !== undefined) {
      if (length > 0) this.#header.line(octets, from, to);
      else if (end > 0) this.#endHeader(this.#offset + end);
    }
    this.#offset += length + end;
    if (end > 0) this.#lines++;
    this.#lastEnd = end;
  }

  /** Whether the line is a delimiter of an open multipart; if so, parts end and begin. */
  #delimiter(octets: Buffer, from: number, to: number, whole: number, end: number): boolean {
    const found = this.#findBoundary(octets, from, to);
    if (found < 0) return false;
    const multipart = this.#open[found] as Draft;
    const boundary = multipart.boundary as Buffer;
    const after = from + 2 + boundary.length;
    const closes = to - after >= 2 && octets[after] === dash && octets[after + 1] === dash;
    if (!closes && this.#partsLeft <= 0) return false;
    if (this.#header !== undefined) this.#endHeader(this.#offset, true);
    this.#closeTo(found + 1, this.#offset - this.#lastEnd, this.#lines - (this.#lastEnd > 0 ? 1 : 0));
    if (closes) {
      multipart.boundary = undefined;
      this.#boundaries--;
    } else {
      const lines = this.#lines + (end > 0 ? 1 : 0);
      this.#begin(newDraft(multipart, this.#offset + whole, lines), contentFieldNames);
    }
    return true;
  }

  /** Index of the open part whose boundary the line has; -1: none. */
  #findBoundary(octets: Buffer, from: number, to: number): number {
    let best = -1;
    let longest = 0;
    for (let i = this.#open.length - 1; i >= 0; i--) {
      const boundary = this.#open[i]?.boundary;
      if (boundary === undefined || boundary.length <= longest) continue;
      const stop = from + 2 + boundary.length;
      if (stop > to || octets[from + 2] !== boundary[0]) continue;
      if (octets.compare(boundary, 0, boundary.length, from + 2, stop) !== 0) continue;
      best = i;
      longest = boundary.length;
    }
    return best;
  }

  #begin(draft: Draft, wanted: ReadonlySet<string>): void {
    this.#partsLeft--;
    this.#open.push(draft);
    this.#header = new HeaderReader(wanted, this.#allowance);
  }

  /** The header of the last open part ends before `end`; `cut`: by a boundary or the message's end, so that no content follows. */
  #endHeader(end: number, cut = false): void {
    const part = this.#open.at(-1) as Draft;
    const fields = (this.#header as HeaderReader).finish();
    this.#header = undefined;
    part.content = describeContent(fields, part.inDigest, this.#allowance);
    part.summary = part.isMessage ? summarise(fields, this.#allowance) : undefined;
    part.bodyStart = end;
    part.bodyStartLines = this.#lines + (end > this.#offset ? 1 : 0);
    const type = part.content.type.toLowerCase();
    const subtype = part.content.subtype.toLowerCase();
    const mayNest = this.#open.length <= this.#depth;
    if (type === 'multipart') {
      part.kind = 'multipart';
      part.boundary = mayNest ? boundaryOf(part) : undefined;
      if (part.boundary !== undefined) this.#boundaries++;
    } else if (type === 'message' && (subtype === 'rfc822' || subtype === 'global')) {
      part.kind = 'message';
      if (!mayNest || this.#partsLeft <= 0) return;
      const message = newDraft(part, end, part.bodyStartLines);
      this.#begin(message, messageFieldNames);
      if (cut) this.#endHeader(end, true);
    }
  }

  /** Closes all open parts but the first `count`; their content ends before octet `end`, which `lines` line ends precede. */
  #closeTo(count: number, end: number, lines: number): void {
    for (const part of this.#open.splice(count)) {
      if (part.boundary !== undefined) this.#boundaries--;
      // A message in a part that ends with its header: the empty line is the delimiter's.
      if (part.isMessage) part.bodyStart = Math.min(part.bodyStart, Math.max(part.headerStart, end));
      part.bodyEnd = Math.max(part.bodyStart, end);
      part.lines = Math.max(0, lines - part.bodyStartLines);
    }
  }
}

function boundaryOf(part: Draft): Buffer | undefined {
  const value = part.content?.parameters.find(({ name }) => name.toLowerCase() === 'boundary')?.value;
  if (value === undefined || value === '' || value.length > longestBoundary) return undefined;
  return Buffer.from(value, 'latin1');
}
