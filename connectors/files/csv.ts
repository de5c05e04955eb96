/**
 * files/csv - a CSV file (RFC 4180, UTF-8, a header line) as a DirectorySource, for those who keep no directory.
 *
 *   address,displayName,home,aliases
 *   ada@example.org,Ada Lovelace,onprem,countess@example.org a.lovelace@example.org
 *
 * Columns, in any order; only `address` must be there:
 *   address      primary address              aliases    more addresses
 *   kind         user (default), shared, room, equipment, contact, group, publicFolder
 *   displayName  for people                   home       site of the mailbox
 *   target       where mail is sent on to     id         stable id; the address when absent
 *   members      of a group, addresses        owners     of a group, addresses
 *   reportTo     originator (default), owner, nobody: who hears of failures of members
 *   hidden, disabled, moderated, internalOnly: yes or no
 *   attribute:NAME  kept for rules; several values are separated by semicolons
 * Several addresses in one field are separated by spaces, commas or semicolons.
 *
 * A line that cannot be understood refuses the whole file, with its number; an
 * address that is none is dropped and reported.
 */
import { type Address, addressKey, parseAddress } from '../../src/mail/address.ts';
import {
  CursorExpired,
  type DirectoryProblem,
  type DirectorySource,
  type EntryKind,
  type GroupFacts,
  type SourceChange,
  type SourceCursor,
  type SourceEntry,
} from '../../src/ports/directory.ts';
import { digestOf, openText } from './text-file.ts';

export interface CsvOptions {
  readonly name: string;
  readonly file: string;
  readonly separator: ',' | ';' | '\t';
  /** A file with more lines is refused: ids are kept in memory while it is read, to find those given twice. */
  readonly maxEntries: number;
}

export class CsvError extends Error {
  override readonly name = 'CsvError';
  constructor(file: string, line: number, what: string) {
    super(`${file}, line ${line}: ${what}`);
  }
}

export class CsvSource implements DirectorySource {
  readonly name: string;
  readonly #options: CsvOptions;

  constructor(options: CsvOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async *everything(signal: AbortSignal): AsyncGenerator<SourceEntry, SourceCursor> {
    const { file, separator, maxEntries } = this.#options;
    const text = openText(file, signal);
    const lines = new Map<string, number>();
    let columns: Columns | undefined;
    for await (const record of parseCsv(file, separator, text.pieces)) {
      if (!columns) {
        columns = readHeader(file, record);
        continue;
      }
      const entry = readEntry(this.#options, columns, record);
      const before = lines.get(entry.id);
      if (before !== undefined) {
        throw new CsvError(
          file,
          record.line,
          `${entry.id.slice(this.name.length + 1)} is on line ${before} already`,
        );
      }
      lines.set(entry.id, record.line);
      if (lines.size > maxEntries) throw new CsvError(file, record.line, `more than ${maxEntries} entries`);
      yield entry;
    }
    if (!columns) throw new CsvError(file, 1, 'the file is empty: a header line is expected');
    return text.digest();
  }

  /** Nothing, or everything. */
  // biome-ignore lint/correctness/useYield: a file tells no single changes
  async *changes(cursor: SourceCursor, signal: AbortSignal): AsyncGenerator<SourceChange, SourceCursor> {
    const now = await digestOf(this.#options.file, signal);
    if (now !== cursor) throw new CursorExpired(`${this.#options.file} has changed`);
    return now;
  }

  async close(): Promise<void> {
    // Nothing stays open between reads.
  }
}

interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/** Characters of one field. */
const longestField = 1 << 20;

/** RFC 4180 §2; LF alone ends a line too, and lines without anything are left out. */
export async function* parseCsv(
  file: string,
  separator: string,
  pieces: AsyncIterable<string>,
): AsyncGenerator<CsvRecord> {
  let fields: string[] = [];
  let field = '';
  let state: 'start' | 'plain' | 'quoted' | 'after' = 'start';
  let line = 1;
  let begun = 1;
  const endField = (): void => {
    fields.push(state === 'plain' ? field.trim() : field);
    field = '';
    state = 'start';
  };
  const endRecord = (): CsvRecord | undefined => {
    endField();
    const record = { line: begun, fields };
    fields = [];
    return record.fields.length === 1 && record.fields[0] === '' ? undefined : record;
  };
  for await (const piece of pieces) {
    for (const char of piece) {
      if (char === '\n') line += 1;
      if (state === 'quoted') {
        if (char === '"') state = 'after';
        else field += char;
      } else if (char === '\n') {
        const record = endRecord();
        begun = line;
        if (record) yield record;
      } else if (char === separator) endField();
      else if (char === '"' && state !== 'plain') {
        // A doubled quote within quotes is one quote.
        if (state === 'after') field += '"';
        state = 'quoted';
      } else if (char !== '\r') {
        if (state === 'after' && char !== ' ')
          throw new CsvError(file, line, `"${char}" after a closing quote`);
        if (state === 'plain' && char === '"')
          throw new CsvError(file, line, 'a quote within an unquoted field');
        if (state !== 'after' && (state === 'plain' || char !== ' ')) {
          state = 'plain';
          field += char;
        }
      }
      if (field.length > longestField)
        throw new CsvError(file, begun, 'a field is too long: is a quote missing?');
    }
  }
  if (state === 'quoted') throw new CsvError(file, begun, 'a quote is opened and never closed');
  const last = endRecord();
  if (last) yield last;
}

const known = [
  ...['address', 'aliases', 'kind', 'displayName', 'home', 'target', 'members', 'owners', 'id', 'reportTo'],
  ...['hidden', 'disabled', 'moderated', 'internalOnly'],
] as const;

type Column = (typeof known)[number];
type Columns = readonly (Column | `attribute:${string}`)[];

function readHeader(file: string, { line, fields }: CsvRecord): Columns {
  const names = fields.map((name) => {
    const column = known.find((each) => each.toLowerCase() === name.toLowerCase());
    if (column) return column;
    const attribute = /^attribute:(\S+)$/i.exec(name)?.[1];
    if (attribute) return `attribute:${attribute.toLowerCase()}` as const;
    throw new CsvError(file, line, `unknown column "${name}"; known are ${known.join(', ')}, attribute:NAME`);
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new CsvError(file, line, `the column ${twice} is there twice`);
  if (!names.includes('address')) throw new CsvError(file, line, 'there is no column "address"');
  return names;
}

const kinds: readonly string[] = ['user', 'shared', 'room', 'equipment', 'contact', 'group', 'publicFolder'];

/** One line, its fields by column. */
class Row {
  readonly where: string;
  readonly problems: DirectoryProblem[] = [];
  readonly #source: string;
  readonly #file: string;
  readonly #line: number;
  readonly #values: ReadonlyMap<string, string>;

  constructor({ name, file }: CsvOptions, columns: Columns, { line, fields }: CsvRecord) {
    if (fields.length !== columns.length) {
      throw new CsvError(file, line, `${fields.length} fields, but the header has ${columns.length}`);
    }
    this.where = `line ${line}`;
    this.#source = name;
    this.#file = file;
    this.#line = line;
    this.#values = new Map(columns.map((column, index) => [column, fields[index] ?? '']));
  }

  text(column: Column): string | undefined {
    return this.#values.get(column) || undefined;
  }

  flag(column: Column): boolean {
    const value = this.text(column)?.toLowerCase() ?? 'no';
    if (['yes', 'true', '1'].includes(value)) return true;
    if (['no', 'false', '0'].includes(value)) return false;
    throw new CsvError(this.#file, this.#line, `${column}: expected yes or no, found "${value}"`);
  }

  oneOf<T extends string>(column: Column, values: readonly T[], initial: T): T {
    const value = this.text(column);
    if (value === undefined) return initial;
    const found = values.find((each) => each.toLowerCase() === value.toLowerCase());
    if (found !== undefined) return found;
    throw new CsvError(
      this.#file,
      this.#line,
      `${column}: expected one of ${values.join(', ')}, found "${value}"`,
    );
  }

  addresses(column: Column): readonly Address[] {
    const texts = (this.text(column) ?? '').split(/[\s,;]+/).filter((text) => text !== '');
    return texts.flatMap((text) => {
      const address = parseAddress(text);
      if (!address) {
        const what = `${column}: ${text} is no mail address`;
        this.problems.push({ source: this.#source, where: this.where, kind: 'bad address', text: what });
      }
      return address ? [address] : [];
    });
  }

  attributes(): Readonly<Record<string, readonly string[]>> {
    const kept: Record<string, readonly string[]> = {};
    for (const [column, value] of this.#values) {
      if (!column.startsWith('attribute:') || value === '') continue;
      kept[column.slice('attribute:'.length)] = value.split(';').map((part) => part.trim());
    }
    return kept;
  }
}

function readEntry(options: CsvOptions, columns: Columns, record: CsvRecord): SourceEntry {
  const row = new Row(options, columns, record);
  const primary = row.addresses('address')[0];
  const addresses = [...(primary ? [primary] : []), ...row.addresses('aliases')];
  const kind = row.oneOf('kind', kinds as readonly EntryKind[], 'user');
  const id = row.text('id') ?? (primary ? addressKey(primary) : row.where);
  const displayName = row.text('displayName');
  const home = row.text('home');
  const target = row.addresses('target')[0];
  return {
    id: `${options.name}/${id}`,
    where: row.where,
    names: [],
    kind,
    ...(displayName !== undefined && { displayName }),
    ...(primary && { primary }),
    addresses,
    x500: [],
    ...(home !== undefined && { home }),
    ...(target && { targetAddress: target }),
    hiddenFromAddressLists: row.flag('hidden'),
    disabled: row.flag('disabled'),
    ...(kind === 'group' && { group: readGroup(row) }),
    attributes: row.attributes(),
    problems: row.problems,
  };
}

function readGroup(row: Row): SourceEntry['group'] & object {
  const asMember = (address: Address): string => `mailto:${address.text}`;
  const reports: readonly GroupFacts['reportTo'][] = ['originator', 'owner', 'nobody'];
  return {
    moderated: row.flag('moderated'),
    internalOnly: row.flag('internalOnly'),
    owners: row.addresses('owners').map(asMember),
    reportTo: row.oneOf('reportTo', reports, 'originator'),
    opaque: false,
    members: row.addresses('members').map(asMember),
  };
}
