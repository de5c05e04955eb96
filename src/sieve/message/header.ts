/**
 * sieve/message/header - the header section as scripts see and edit it (RFC 5228 §2.4.2.2, RFC 5293).
 *
 * An edit makes a new HeaderSection; the octets of fields that were not edited stay as they came.
 */
import { decodeOctets, encodeOctets } from '../../protocol/sieve/octets.ts';
import { decodeWords } from './encoded-word.ts';

export interface Field {
  /** As it was written. */
  readonly name: string;
  /** Lower case. */
  readonly key: string;
  /** The whole field with its line ends. */
  readonly raw: Uint8Array;
  /** Unfolded, without the white space around it. */
  readonly value: string;
}

/** Fields read of one header section; what is beyond is carried along unread. */
const fieldLimit = 10_000;

const LF = 0x0a;

export class HeaderSection {
  readonly fields: readonly Field[];
  readonly #byKey = new Map<string, Field[]>();
  #size: number | undefined;

  constructor(fields: readonly Field[]) {
    this.fields = fields;
    for (const field of fields) {
      const same = this.#byKey.get(field.key);
      if (same) same.push(field);
      else this.#byKey.set(field.key, [field]);
    }
  }

  /** In the order of the message. */
  all(name: string): readonly Field[] {
    return this.#byKey.get(name.toLowerCase()) ?? [];
  }

  /** Octets, without the empty line at the end. */
  get size(): number {
    this.#size ??= this.fields.reduce((sum, { raw }) => sum + raw.length, 0);
    return this.#size;
  }

  /** Without the empty line at the end. */
  octets(): Buffer {
    return Buffer.concat(this.fields.map(({ raw }) => raw));
  }

  with(name: string, value: string, last: boolean): HeaderSection {
    const field = makeField(name, value);
    return new HeaderSection(last ? [...this.fields, field] : [field, ...this.fields]);
  }

  without(gone: ReadonlySet<Field>): HeaderSection {
    return new HeaderSection(this.fields.filter((field) => !gone.has(field)));
  }
}

export const decodedValue = (field: Field): string => decodeWords(field.value);

/** A field of a script's making: line ends in the value are folded, so that no field can be smuggled in. */
export function makeField(name: string, value: string): Field {
  const lines = value.split(/\r\n|\r|\n/).map((line) => line.trim());
  const folded = lines.filter((line, at) => at === 0 || line !== '').join('\r\n ');
  return {
    name,
    key: name.toLowerCase(),
    raw: encodeOctets(`${name}: ${fold(folded, name.length + 2)}\r\n`),
    value: unfold(folded),
  };
}

/** Breaks lines at white space before column 78 (RFC 5322 §2.1.1). */
function fold(text: string, start: number): string {
  let column = start;
  return text.replace(
    /(\r\n )|([ \t]*)([^ \t\r\n]+)/g,
    (all: string, newline?: string, space = '', word = '') => {
      if (newline !== undefined) {
        column = 1;
        return newline;
      }
      if (space !== '' && column > start && column + all.length > 78) {
        column = space.length + word.length;
        return `\r\n${space}${word}`;
      }
      column += all.length;
      return all;
    },
  );
}

const unfold = (text: string): string => text.replace(/\r?\n(?=[ \t])/g, '').trim();

export interface ParsedHeader {
  readonly header: HeaderSection;
  /** Where the body begins, behind the empty line. */
  readonly bodyAt: number;
  /** There is an empty line; without one the message has no body. */
  readonly ended: boolean;
}

/** Reads fields until an empty line. A line that is no field ends the section too: the body begins with it. */
export function parseHeader(octets: Uint8Array): ParsedHeader {
  const fields: Field[] = [];
  let at = 0;
  while (at < octets.length && fields.length < fieldLimit) {
    if (octets[at] === LF) return { header: new HeaderSection(fields), bodyAt: at + 1, ended: true };
    if (octets[at] === 0x0d && octets[at + 1] === LF)
      return { header: new HeaderSection(fields), bodyAt: at + 2, ended: true };
    const end = endOfField(octets, at);
    const field = parseField(octets.subarray(at, end));
    if (field === undefined) break;
    fields.push(field);
    at = end;
  }
  return { header: new HeaderSection(fields), bodyAt: at, ended: at < octets.length };
}

function endOfField(octets: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    const newline = octets.indexOf(LF, at);
    if (newline < 0) return octets.length;
    at = newline + 1;
    if (octets[at] !== 0x20 && octets[at] !== 0x09) return at;
  }
}

function parseField(raw: Uint8Array): Field | undefined {
  const text = decodeOctets(raw);
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  const name = text.slice(0, colon).trimEnd();
  if (name === '' || /[\s\x00-\x1f]/.test(name)) return undefined;
  return { name, key: name.toLowerCase(), raw, value: unfold(text.slice(colon + 1).replace(/\r?\n$/, '')) };
}

/** Whether `name` may name a field (RFC 5322 §2.2). */
export const isFieldName = (name: string): boolean => /^[\x21-\x39\x3b-\x7e]+$/.test(name);
