/**
 * protocol/smtp/path - what stands after `MAIL FROM:` and `RCPT TO:` (RFC 5321 §4.1.2): a path in angle
 * brackets, then parameters.
 *
 * A source route is taken off and forgotten (§4.1.1.3, appendix C). Spaces before the `<` are forgiven, as
 * everyone does; missing brackets are not.
 */
import { type Address, parseAddress } from '../../mail/address.ts';

export interface PathAndParameters {
  /** What was between the brackets, source route gone; `` (empty) for the null path. */
  readonly path: string;
  /** `KEY=value` or `KEY`, in order. */
  readonly parameters: readonly string[];
}

/** undefined where there are no brackets or something is glued to the closing one. */
export function splitPath(text: string): PathAndParameters | undefined {
  const start = text.search(/[^ ]/);
  if (start < 0 || text[start] !== '<') return undefined;
  const end = closingBracket(text, start + 1);
  if (end < 0) return undefined;
  const rest = text.slice(end + 1);
  if (rest !== '' && !rest.startsWith(' ')) return undefined;
  return {
    path: withoutRoute(text.slice(start + 1, end)),
    parameters: rest.split(' ').filter((word) => word !== ''),
  };
}

/** A quoted local part may hold `>` and spaces. */
function closingBracket(text: string, from: number): number {
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (quoted && character === '\\') i++;
    else if (character === '"') quoted = !quoted;
    else if (character === '>' && !quoted) return i;
  }
  return -1;
}

/** `@one.example,@two.example:ada@example.org` is ada@example.org. */
function withoutRoute(path: string): string {
  if (!path.startsWith('@')) return path;
  const colon = path.indexOf(':');
  return colon < 0 ? path : path.slice(colon + 1);
}

/** Octets. RFC 5321 §4.5.3.1.3 asks us to take 256, and permits more: mail/address says for whom. */
const longestPath = 1300;

/** The mailbox in a path; undefined where the grammar is not met. */
export function parseMailbox(path: string): Address | undefined {
  if (Buffer.byteLength(path) > longestPath) return undefined;
  return parseAddress(path);
}

export const isAsciiOnly = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);
