/**
 * protocol/mime/content-fields - what Content-Type and its kin say (RFC 2045, 2183, 3282, 2557), forgiving.
 *
 * A Content-Type that is no `type/subtype` is as good as none (RFC 2045 §5.2). A parameter that makes no sense is
 * passed over. Continued parameters (RFC 2231 §3) are put together; what is in another charset stays encoded, with the
 * charset in front and a `*` after its name, so that the client decodes it (RFC 2231 §4).
 */
import type { Disposition, Parameter } from '../../mail/structure.ts';
import type { Allowance } from './header.ts';
import { Lexer } from './lexer.ts';

/** RFC 2045 §5.1, token. */
const token = /[^\x00-\x20\x7f()<>@,;:\\"/[\]?=]+/y;
/** A value without quotes: a token, and what senders put there although it wants quotes. */
const looseValue = /[^ \t\r\n;"(]+/y;

export interface ContentType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

export function parseContentType(value: string, allowance: Allowance): ContentType | undefined {
  const lexer = new Lexer(value);
  lexer.skipSpace();
  const type = lexer.take(token);
  lexer.skipSpace();
  if (type === '' || lexer.here() !== '/') return undefined;
  lexer.at++;
  lexer.skipSpace();
  const subtype = lexer.take(token);
  lexer.skipSpace();
  if (subtype === '' || !(lexer.done() || lexer.here() === ';')) return undefined;
  return { type, subtype, parameters: parseParameters(lexer, allowance) };
}

export function parseDisposition(value: string, allowance: Allowance): Disposition | undefined {
  const lexer = new Lexer(value);
  lexer.skipSpace();
  const type = lexer.take(token);
  if (type === '') return undefined;
  return { type, parameters: parseParameters(lexer, allowance) };
}

/** RFC 3282: tags with commas between. */
export function parseLanguages(value: string, allowance: Allowance): readonly string[] | undefined {
  const lexer = new Lexer(value);
  const tags: string[] = [];
  while (!lexer.done() && allowance.items > 0) {
    lexer.skipSpace();
    const tag = lexer.take(token);
    if (tag !== '') {
      tags.push(tag);
      allowance.items--;
    } else lexer.at++;
  }
  return tags.length > 0 ? tags : undefined;
}

/** The first token of a field such as Content-Transfer-Encoding. */
export function parseToken(value: string): string | undefined {
  const lexer = new Lexer(value);
  lexer.skipSpace();
  return lexer.take(token) || undefined;
}

/** `; name=value` as often as it comes. */
function parseParameters(lexer: Lexer, allowance: Allowance): readonly Parameter[] {
  const found: Parameter[] = [];
  while (allowance.items > 0 && skipTo(lexer, ';')) {
    const parameter = parseParameter(lexer);
    if (parameter === undefined) continue;
    found.push(parameter);
    allowance.items--;
  }
  return found.some(({ name }) => continued.test(name)) ? joinContinued(found) : found;
}

/** To behind the next `mark`; quoted strings and comments on the way are passed over whole. */
function skipTo(lexer: Lexer, mark: string): boolean {
  while (!lexer.done()) {
    if (lexer.skipSpace()) continue;
    if (lexer.here() === '"') lexer.quoted();
    else if (lexer.text.charAt(lexer.at++) === mark) return true;
  }
  return false;
}

function parseParameter(lexer: Lexer): Parameter | undefined {
  lexer.skipSpace();
  const name = lexer.take(token);
  lexer.skipSpace();
  if (name === '' || lexer.here() !== '=') return undefined;
  lexer.at++;
  lexer.skipSpace();
  const value = lexer.here() === '"' ? lexer.quoted() : lexer.take(looseValue);
  return { name, value };
}

/** RFC 2231 §3 and §4.1: `name*0`, `name*1*`; a star at the end marks percent encoding. */
const continued = /^(.+?)\*(0|[1-9]\d{0,3})(\*?)$/;

interface Section {
  readonly value: string;
  readonly encoded: boolean;
}

/** The first section's place is the place of the whole; sections without a first one stay as they are. */
function joinContinued(all: readonly Parameter[]): readonly Parameter[] {
  const bases = new Map<string, Map<number, Section>>();
  for (const { name, value } of all) {
    const [, base, number, star] = continued.exec(name) ?? [];
    if (base === undefined) continue;
    const sections = bases.get(base.toLowerCase()) ?? new Map<number, Section>();
    bases.set(base.toLowerCase(), sections);
    if (!sections.has(Number(number))) sections.set(Number(number), { value, encoded: star !== '' });
  }
  const joined = new Set<string>();
  return all.flatMap((parameter) => {
    const [, base] = continued.exec(parameter.name) ?? [];
    const sections = base === undefined ? undefined : bases.get(base.toLowerCase());
    if (base === undefined || !sections?.has(0)) return [parameter];
    if (joined.has(base.toLowerCase())) return [];
    joined.add(base.toLowerCase());
    return [joinSections(base, sections)];
  });
}

/** Sections 0, 1, 2 … as far as there is no gap. */
function joinSections(base: string, sections: ReadonlyMap<number, Section>): Parameter {
  const run: Section[] = [];
  for (let next = sections.get(0); next !== undefined; next = sections.get(run.length)) run.push(next);
  if (!run.some(({ encoded }) => encoded))
    return { name: base, value: run.map(({ value }) => value).join('') };
  const value = run.map((one) => (one.encoded ? one.value : percentEncoded(one.value))).join('');
  return { name: `${base}*`, value: run[0]?.encoded ? value : `''${value}` };
}

/** RFC 2231 §7, attribute-char: everything else is written `%XX`. */
const percentEncoded = (value: string): string =>
  value.replace(
    /[^A-Za-z0-9!#$&+\-.^_`{|}~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
