/**
 * config/document - YAML text to plain values, with the place of every key and value.
 *
 * YAML 1.2 core: `yes` is text, `0123` is a number as written. Anchors, aliases and merge keys (`<<`) work. Refused:
 * several documents in one file, keys given twice, unknown tags, nesting without end, aliases that multiply without
 * end (both bounded below). Our own words for every complaint, because the parser's may quote the text, and that
 * may be a password.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { Finding, Path } from './problem.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SourceDocument {
  /** Maps are objects without a prototype. undefined where the text is no YAML at all. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Of the key or value, or of the nearest thing around it that is in the file. */
  place(path: Path, at: Finding['at']): Position;
}

const bounds = { depth: 64, nodes: 200_000 } as const;

const complaints: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'not valid YAML: an alias that is not well written; quote text that begins with "*" or "&"',
  BAD_DIRECTIVE: 'not valid YAML: a directive ("%") that is not known; quote text that begins with "%"',
  BAD_DQ_ESCAPE:
    'not valid YAML: an unknown escape in double quotes; write "\\\\" for a backslash or use single quotes',
  BAD_INDENT:
    'not valid YAML: wrong indentation, or a bracket that is not closed; keys of one map begin in one column',
  BAD_SCALAR_START: 'not valid YAML: text that begins with this character must be quoted',
  BLOCK_AS_IMPLICIT_KEY:
    'not valid YAML: a map or list where one value belongs; check colons and indentation',
  BLOCK_IN_FLOW: 'not valid YAML: a block inside [ ] or { }',
  KEY_OVER_1024_CHARS: 'not valid YAML: a key of more than 1024 characters',
  MISSING_CHAR:
    'not valid YAML: something is missing here: a colon, a quote, a bracket or a space after a colon',
  MULTILINE_IMPLICIT_KEY: 'not valid YAML: a key must be on one line; is a colon missing?',
  MULTIPLE_DOCS: 'expected one YAML document, found another after "---"',
  TAB_AS_INDENT: 'not valid YAML: a tab; indent with spaces',
  TAG_RESOLVE_FAILED: 'not valid YAML here: tags ("!") are not used; quote text that begins with "!"',
  UNEXPECTED_TOKEN:
    'not valid YAML: this is not expected here; check indentation and quotes, and quote text with { } [ ] or commas',
};

export function readDocument(text: string): SourceDocument {
  const findings: Finding[] = [];
  const reader = new Reader(findings);
  const toPosition = lineCounter(text);
  let value: unknown;
  try {
    const documents = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false });
    const [document, second] = Array.isArray(documents) ? documents : [];
    if (second !== undefined) findings.push(syntax('MULTIPLE_DOCS', second.range[0]));
    if (document !== undefined) {
      findings.push(...syntaxFindings([...document.errors, ...document.warnings], text.length));
      if (findings.length === 0) value = reader.read(document);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // The parser recurses: the stack is its bound.
    findings.push({ path: [], at: { offset: 0 }, severity: 'error', text: 'nested too deeply' });
  }
  return { value, findings, place: (path, at) => toPosition(reader.offsetOf(path, at)) };
}

/** One complaint for each place; that something is missing says most. */
function syntaxFindings(errors: readonly YAMLError[], end: number): readonly Finding[] {
  const byPlace = Map.groupBy(errors, ({ pos }) => Math.min(pos[0], end));
  return [...byPlace].map(([offset, here]) => {
    const told = here.find(({ code }) => code === 'MISSING_CHAR') ?? here[0];
    return syntax(told?.code ?? '', offset);
  });
}

const syntax = (code: string, offset: number): Finding => ({
  path: [],
  at: { offset },
  severity: 'error',
  text: complaints[code] ?? 'not valid YAML here',
});

/** Offset to line and column. Counted here: the parser counts only the lines it came to see. */
function lineCounter(text: string): (offset: number) => Position {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (offset) => {
    const at = Math.min(offset, text.length);
    const next = starts.findIndex((start) => start > at);
    const line = next === -1 ? starts.length : next;
    return { line, column: at - (starts[line - 1] ?? 0) + 1 };
  };
}

/** A stop for the whole file: what it says has been found already. */
class TooMuch extends Error {}

/** Walks the syntax tree once, making values and remembering offsets. */
class Reader {
  readonly #findings: Finding[];
  readonly #offsets = new Map<string, { readonly key: number; readonly value: number }>();
  #nodes = 0;

  constructor(findings: Finding[]) {
    this.#findings = findings;
  }

  read(document: Document.Parsed): unknown {
    try {
      return this.#value(document.contents, document, []);
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      return undefined;
    }
  }

  offsetOf(path: Path, at: Finding['at']): number {
    if (typeof at === 'object') return at.offset;
    for (let length = path.length; length > 0; length -= 1) {
      const found = this.#offsets.get(pathKey(path.slice(0, length)));
      // Something that is not in the file is missed in what is around it: point at that one's key.
      if (found !== undefined) return length === path.length ? found[at] : found.key;
    }
    return 0;
  }

  #value(node: unknown, document: Document.Parsed, path: Path): unknown {
    this.#count(path);
    if (isScalar(node))
      return typeof node.value === 'object' ? (node.value === null ? null : node.source) : node.value;
    if (isMap(node)) return this.#map(node, document, path);
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const offset = offsetIn(item);
        const here = [...path, index];
        this.#offsets.set(pathKey(here), { key: offset, value: offset });
        return this.#value(item, document, here);
      });
    }
    if (isAlias(node)) return this.#alias(node.resolve(document), offsetIn(node), document, path);
    return null;
  }

  #alias(target: unknown, offset: number, document: Document.Parsed, path: Path): unknown {
    if (target !== undefined) return this.#value(target, document, path);
    const text = 'an alias of an anchor that is not defined above; quote text that begins with "*"';
    this.#findings.push({ path, at: { offset }, severity: 'error', text });
    return undefined;
  }

  #map(map: YAMLMap, document: Document.Parsed, path: Path): Record<string, unknown> {
    const values: Record<string, unknown> = Object.create(null);
    const merged: Record<string, unknown> = Object.create(null);
    for (const pair of map.items) {
      const key = this.#key(pair, path);
      if (key === undefined) continue;
      const here = [...path, key];
      const offset = offsetIn(pair.key);
      if (key === '<<') {
        this.#merge(merged, pair.value, document, path);
        continue;
      }
      if (key in values) {
        this.#findings.push({
          path: here,
          at: { offset },
          severity: 'error',
          text: 'the key is given twice',
        });
        continue;
      }
      this.#offsets.set(pathKey(here), {
        key: offset,
        value: pair.value === null ? offset : offsetIn(pair.value),
      });
      values[key] = this.#value(pair.value, document, here);
    }
    return Object.assign(merged, values);
  }

  #key(pair: Pair, path: Path): string | undefined {
    const { key } = pair;
    const name = isScalar(key) ? (typeof key.value === 'string' ? key.value : (key.source ?? '')) : undefined;
    if (name !== undefined && name !== '' && name !== '__proto__') return name;
    this.#findings.push({
      path,
      at: { offset: offsetIn(key) },
      severity: 'error',
      text: 'a key must be plain text',
    });
    return undefined;
  }

  /** `<<: *name` or `<<: [*one, *two]`: earlier wins, and the map's own keys win over all. */
  #merge(into: Record<string, unknown>, node: unknown, document: Document.Parsed, path: Path): void {
    for (const source of isSeq(node) ? node.items : [node]) {
      const value = this.#value(source, document, path);
      if (value === null || typeof value !== 'object' || Array.isArray(value)) {
        const at = { offset: offsetIn(source) };
        this.#findings.push({ path, at, severity: 'error', text: 'expected an alias of a map after "<<"' });
        continue;
      }
      for (const [key, entry] of Object.entries(value)) if (!(key in into)) into[key] = entry;
    }
  }

  #count(path: Path): void {
    this.#nodes += 1;
    const text =
      path.length > bounds.depth
        ? `nested deeper than ${bounds.depth} levels`
        : this.#nodes > bounds.nodes
          ? `more than ${bounds.nodes} values, aliases counted each time`
          : undefined;
    if (text === undefined) return;
    this.#findings.push({ path: path.slice(0, 8), at: 'key', severity: 'error', text });
    throw new TooMuch();
  }
}

const offsetIn = (node: unknown): number =>
  (node as { readonly range?: readonly [number, ...number[]] | null } | null)?.range?.[0] ?? 0;

/** Numbers and names cannot be mixed up: a map has no numbers, a list no names. */
const pathKey = (path: Path): string => path.join('\u0000');
