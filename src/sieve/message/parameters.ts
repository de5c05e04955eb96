/**
 * sieve/message/parameters - `value; name=value` of MIME fields (RFC 2045 §5.1, RFC 2231).
 */
import { decodeCharset } from './charset.ts';

export interface Parameterized {
  /** Lower case. */
  readonly value: string;
  /** Names in lower case; continuations joined, charsets decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

const parameterLimit = 200;

export function parseParameters(text: string): Parameterized {
  const plain = withoutComments(text);
  const [value = ''] = plain.split(';', 1);
  const raw = new Map<string, string>();
  const pattern = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"?|([^\s;"]*))/g;
  for (const [, name = '', quoted, bare] of plain.matchAll(pattern)) {
    if (raw.size >= parameterLimit) break;
    const key = name.toLowerCase();
    if (!raw.has(key))
      raw.set(key, quoted === undefined ? (bare ?? '') : quoted.replace(/\\([\s\S])/g, '$1'));
  }
  return { value: value.replace(/\s/g, '').toLowerCase(), parameters: joinContinuations(raw) };
}

function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let depth = 0;
  return text.replace(/"(?:[^"\\]|\\[\s\S])*"?|\\[\s\S]|[()]|[^"\\()]+/g, (part) => {
    if (part === '(') depth += 1;
    else if (part === ')' && depth > 0) depth -= 1;
    else if (depth === 0) return part;
    return '';
  });
}

function joinContinuations(raw: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const joined = new Map<string, string>();
  for (const [key, value] of raw) {
    const [, name = key, index, star] = /^([^*]+)(?:\*(\d+))?(\*)?$/.exec(key) ?? [];
    if (index === undefined) {
      if (star === undefined) joined.set(name, joined.get(name) ?? value);
      else joined.set(name, decodeExtended(value));
    } else if (index === '0') joined.set(name, continued(raw, name));
  }
  return joined;
}

function continued(raw: ReadonlyMap<string, string>, name: string): string {
  let text = '';
  let extended = false;
  for (let at = 0; at < parameterLimit; at += 1) {
    const plain = raw.get(`${name}*${at}`);
    const encoded = raw.get(`${name}*${at}*`);
    if (plain === undefined && encoded === undefined) break;
    if (encoded !== undefined) extended = true;
    text += encoded ?? plain?.replaceAll('%', '%25') ?? '';
  }
  return extended ? decodeExtended(text) : text.replaceAll('%25', '%');
}

function decodeExtended(text: string): string {
  const [, charset = 'utf-8', value = text] = /^([^']*)'[^']*'([\s\S]*)$/.exec(text) ?? [];
  const octets = Buffer.from(
    value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  return decodeCharset(octets, charset === '' ? 'utf-8' : charset) ?? value;
}
