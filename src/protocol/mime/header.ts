/**
 * protocol/mime/header - the fields somebody wants of one header section, line by line as it streams by.
 *
 * Only wanted fields are kept, unfolded (RFC 5322 §2.2.3: the line end goes, the white space stays), as octet strings
 * without NUL (no IMAP string may have it, RFC 9051 §9). A line that is neither field nor continuation is passed over
 * with the lines that continue it. What exceeds the allowance is not kept.
 */

/** How much may still be kept of one message: bounds what its headers can cost. */
export interface Allowance {
  /** Octets of field values. */
  octets: number;
  /** Addresses, parameters and the like. */
  items: number;
}

/** Values by lower-case name, in order. */
export type Fields = ReadonlyMap<string, readonly string[]>;

const colon = 0x3a;
const space = 0x20;
const tab = 0x09;
const longestName = 40;

export class HeaderReader {
  readonly #wanted: ReadonlySet<string>;
  readonly #allowance: Allowance;
  readonly #fields = new Map<string, string[]>();
  #name = '';
  #value = '';

  constructor(wanted: ReadonlySet<string>, allowance: Allowance) {
    this.#wanted = wanted;
    this.#allowance = allowance;
  }

  /** One line, without its line end: the octets from `from` on, up to and without `to`. */
  line(octets: Buffer, from: number, to: number): void {
    const first = octets[from];
    if (first === space || first === tab) {
      if (this.#name !== '') this.#value += this.#take(octets, from, to);
      return;
    }
    this.#close();
    if (this.#allowance.octets <= 0) return;
    const stop = Math.min(to, from + longestName);
    let end = from;
    while (end < stop && octets[end] !== colon) end++;
    if (end === stop) return;
    const name = octets.toString('latin1', from, end).trimEnd().toLowerCase();
    if (!this.#wanted.has(name)) return;
    this.#name = name;
    this.#value = this.#take(octets, end + 1, to);
  }

  /** The fields, once the section is at its end. */
  finish(): Fields {
    this.#close();
    return this.#fields;
  }

  #take(octets: Buffer, from: number, to: number): string {
    const end = Math.min(to, from + this.#allowance.octets);
    this.#allowance.octets -= end - from;
    return octets.toString('latin1', from, end).replaceAll('\0', '');
  }

  #close(): void {
    if (this.#name === '') return;
    const values = this.#fields.get(this.#name);
    if (values === undefined) this.#fields.set(this.#name, [this.#value]);
    else values.push(this.#value);
    this.#name = '';
    this.#value = '';
  }
}
