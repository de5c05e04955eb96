/**
 * files/ldif - an LDIF file (RFC 2849) as a DirectorySource, mapped as an LDAP server's objects are.
 *
 * Content records only: a file of changes says nothing of what it does not change.
 * Values by URL are refused, as a file must not make us read others. Changes are
 * seen by the digest of the whole file.
 */
import { hash } from 'node:crypto';
import {
  CursorExpired,
  type DirectorySource,
  type SourceChange,
  type SourceCursor,
  type SourceEntry,
} from '../../src/ports/directory.ts';
import { type Mapping, type MappingOptions, makeMapping } from '../ldap/mapping.ts';
import { RawEntry, type RawValue } from '../ldap/raw-entry.ts';
import { digestOf, openText } from './text-file.ts';

export interface LdifOptions extends MappingOptions {
  readonly file: string;
}

export class LdifSource implements DirectorySource {
  readonly name: string;
  readonly #file: string;
  readonly #mapping: Mapping;
  readonly #fingerprint: string;

  constructor(options: LdifOptions) {
    this.name = options.name;
    this.#file = options.file;
    this.#mapping = makeMapping(options);
    const { preset, attributes, keep, homes } = options;
    const decisive = [1, this.#mapping.wanted, preset, attributes, keep, homes];
    this.#fingerprint = hash('sha256', JSON.stringify(decisive), 'hex').slice(0, 16);
  }

  async *everything(signal: AbortSignal): AsyncGenerator<SourceEntry, SourceCursor> {
    const text = openText(this.#file, signal);
    for await (const raw of parseLdif(this.#file, text.pieces)) yield this.#mapping.entry(raw);
    return `${this.#fingerprint} ${text.digest()}`;
  }

  /** Nothing, or everything. */
  // biome-ignore lint/correctness/useYield: a file tells no single changes
  async *changes(cursor: SourceCursor, signal: AbortSignal): AsyncGenerator<SourceChange, SourceCursor> {
    const now = `${this.#fingerprint} ${await digestOf(this.#file, signal)}`;
    if (now !== cursor) throw new CursorExpired(`${this.#file} has changed`);
    return now;
  }

  async close(): Promise<void> {
    // Nothing stays open between reads.
  }
}

/** What is wrong with a file, and on which line. */
export class LdifError extends Error {
  override readonly name = 'LdifError';
  constructor(file: string, line: number, what: string) {
    super(`${file}, line ${line}: ${what}`);
  }
}

/** Characters of one record, folded lines joined: a photograph fits, a file without blank lines does not. */
const longestRecord = 64 << 20;

interface Line {
  readonly number: number;
  readonly text: string;
}

export async function* parseLdif(file: string, pieces: AsyncIterable<string>): AsyncGenerator<RawEntry> {
  let record: Line[] = [];
  let first = true;
  for await (const line of unfolded(file, pieces)) {
    if (line.text !== '') {
      record.push(line);
      continue;
    }
    const raw = readRecord(file, record, first);
    if (record.length > 0) first = false;
    record = [];
    if (raw) yield raw;
  }
}

/** Logical lines, comments left out; an empty one ends each record, the last one too. */
async function* unfolded(file: string, pieces: AsyncIterable<string>): AsyncGenerator<Line> {
  let current: { number: number; parts: string[] } | undefined;
  let size = 0;
  const finish = function* (): Generator<Line> {
    const text = current?.parts.join('');
    if (current && text !== undefined && !text.startsWith('#')) yield { number: current.number, text };
    current = undefined;
  };
  for await (const { number, text } of physicalLines(pieces)) {
    size += text.length;
    if (size > longestRecord) throw new LdifError(file, number, 'the record is too long');
    if (text.startsWith(' ')) {
      if (!current) throw new LdifError(file, number, 'a folded line follows nothing');
      current.parts.push(text.slice(1));
      continue;
    }
    yield* finish();
    if (text === '') {
      size = 0;
      yield { number, text };
    } else current = { number, parts: [text] };
  }
  yield* finish();
  yield { number: 0, text: '' };
}

async function* physicalLines(pieces: AsyncIterable<string>): AsyncGenerator<Line> {
  let rest = '';
  let number = 0;
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield { number: ++number, text: line.replace(/\r$/, '') };
  }
  if (rest !== '') yield { number: ++number, text: rest.replace(/\r$/, '') };
}

function readRecord(file: string, lines: readonly Line[], first: boolean): RawEntry | undefined {
  let rest = lines;
  if (first && /^version:/i.test(rest[0]?.text ?? '')) {
    const version = rest[0]!.text.slice('version:'.length).trim();
    if (version !== '1') throw new LdifError(file, rest[0]!.number, `LDIF version ${version} is not known`);
    rest = rest.slice(1);
  }
  const [head, ...body] = rest;
  if (!head) return undefined;
  const [name, dn] = readLine(file, head);
  if (name.toLowerCase() !== 'dn')
    throw new LdifError(file, head.number, `a record begins with dn:, found ${name}:`);
  const attributes = new Map<string, RawValue[]>();
  for (const line of body) {
    const [attribute, value] = readLine(file, line);
    if (/^(?:changetype|control)$/i.test(attribute)) {
      const what = `${attribute}: this is a file of changes; write out the whole directory instead`;
      throw new LdifError(file, line.number, what);
    }
    const known = attributes.get(attribute);
    if (known) known.push(value);
    else attributes.set(attribute, [value]);
  }
  return new RawEntry(asText(dn), [...attributes]);
}

const asText = (value: RawValue): string =>
  typeof value === 'string' ? value : Buffer.from(value).toString('utf8');

const attributeLine = /^([A-Za-z0-9][A-Za-z0-9.;_-]*):(.?)[ ]*(.*)$/s;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

function readLine(file: string, { number, text }: Line): readonly [name: string, value: RawValue] {
  const match = attributeLine.exec(text);
  if (!match) throw new LdifError(file, number, 'expected "attribute: value"');
  const [, name = '', mark = ''] = match;
  if (mark === '<') throw new LdifError(file, number, `${name}: values by URL are not read`);
  if (mark !== ':') return [name, text.slice(name.length + 1).replace(/^ +/, '')];
  const value = (match[3] ?? '').trimEnd();
  if (!base64.test(value)) throw new LdifError(file, number, `${name}: the value is not base64`);
  return [name, Buffer.from(value, 'base64')];
}
