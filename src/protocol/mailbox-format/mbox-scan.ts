/**
 * protocol/mailbox-format/mbox-scan - where the messages of an mbox file are.
 *
 * One pass, bounded memory: offsets, the `From ` line and the fields that tell flags.
 */
import { LineCutter, type Piece } from './lines.ts';
import { flagsOfStatus, parseFromLine } from './mbox.ts';

export interface MboxEntry {
  /** Offsets in the file, `From ` line and the empty line at the end not included. */
  readonly start: number;
  readonly end: number;
  /** Our fields of flags, which are not the message's. */
  readonly cut?: { readonly start: number; readonly end: number };
  readonly at?: Date;
  readonly flags: readonly string[];
}

interface Open {
  readonly start: number;
  readonly at?: Date;
  inHeader: boolean;
  readonly fields: Map<string, string>;
  /** The last lines of the header that are fields of flags, one after the other. */
  run: { readonly name: string; readonly start: number; readonly end: number }[];
}

const field = /^(status|x-status|x-keywords):[ \t]*(.*?)\r?\n?$/i;
const looked = 2_000;

/** The file does not begin with a `From ` line. */
export class NoMbox extends Error {
  override readonly name = 'NoMbox';
}

export class MboxScanner {
  readonly #cutter = new LineCutter();
  #offset = 0;
  #open: Open | undefined;
  /** Where the line before began, when it was empty. */
  #empty: number | undefined = 0;

  *push(chunk: Uint8Array): Generator<MboxEntry> {
    for (const piece of this.#cutter.push(chunk)) yield* this.#piece(piece);
  }

  *finish(): Generator<MboxEntry> {
    for (const piece of this.#cutter.finish()) yield* this.#piece(piece);
    if (this.#open) yield this.#close(this.#open, this.#empty ?? this.#offset);
    this.#open = undefined;
  }

  *#piece({ octets, first }: Piece): Generator<MboxEntry> {
    const start = this.#offset;
    this.#offset += octets.length;
    const before = this.#empty;
    this.#empty = undefined;
    if (!first) return;
    if (octets[0] === 10 || (octets[0] === 13 && octets[1] === 10)) {
      this.#empty = start;
      if (this.#open) this.#open.inHeader = false;
      return;
    }
    if (before !== undefined && octets[0] === 70) {
      const from = parseFromLine(octets.toString('latin1', 0, looked));
      if (from !== undefined) {
        if (this.#open) yield this.#close(this.#open, before);
        this.#open = { start: this.#offset, ...from, inHeader: true, fields: new Map(), run: [] };
        return;
      }
    }
    if (this.#open === undefined)
      throw new NoMbox('it does not begin with a line such as: From ada Sat Jan  3 01:05:34 2026');
    if (this.#open.inHeader) this.#headerLine(this.#open, octets, start);
  }

  #headerLine(open: Open, octets: Buffer, start: number): void {
    const [match, name = '', value = ''] = field.exec(octets.toString('latin1', 0, looked)) ?? [];
    if (match === undefined) {
      open.run = [];
      return;
    }
    open.fields.set(name.toLowerCase(), value);
    open.run = [...open.run.slice(-2), { name, start, end: this.#offset }];
  }

  #close({ start, at, fields, run }: Open, end: number): MboxEntry {
    const ours = run.map(({ name }) => name).join() === 'Status,X-Status,X-Keywords';
    return {
      start,
      end: Math.max(start, end),
      ...(ours
        ? { cut: { start: run[0]?.start ?? 0, end: Math.min(run.at(-1)?.end ?? 0, Math.max(start, end)) } }
        : {}),
      ...(at === undefined ? {} : { at }),
      flags: flagsOfStatus(fields),
    };
  }
}
