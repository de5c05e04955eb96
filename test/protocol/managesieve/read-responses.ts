/**
 * A strict reader of what a ManageSieve server says (RFC 5804 §4), written from the grammar alone.
 */
export type Said = { readonly atom: string } | { readonly string: string } | readonly Said[];

/** Lines as words. Throws at what the grammar does not have, and at half a line. */
export function readResponses(octets: Buffer): readonly (readonly Said[])[] {
  const lines: (readonly Said[])[] = [];
  for (let at = 0; at < octets.length; ) {
    const line = readLine(octets, at);
    if (line === undefined) throw new Error(`half a line: ${octets.subarray(at).toString()}`);
    lines.push(line.words);
    at = line.end;
  }
  return lines;
}

/** The line at `at` and where the next one begins; undefined when it is not all there. */
export function readLine(
  octets: Buffer,
  at: number,
): { readonly words: readonly Said[]; readonly end: number } | undefined {
  const text = octets.toString('latin1');
  const stack: Said[][] = [[]];
  for (let first = true; ; first = false) {
    if (text.startsWith('\r\n', at)) {
      if (stack.length > 1) throw new Error('parenthesis not closed');
      return { words: stack[0] ?? [], end: at + 2 };
    }
    if (text[at] === ')') {
      const closed = stack.pop() ?? [];
      stack.at(-1)?.push(closed);
      at += 1;
      continue;
    }
    if (!first && text[at - 1] !== '(') {
      if (at < text.length && text[at] !== ' ') throw new Error(`no space at ${at} of ${text}`);
      at += 1;
    }
    if (at >= text.length) return undefined;
    if (text[at] === '(') {
      stack.push([]);
      at += 1;
      continue;
    }
    const word = readWord(octets, text, at);
    if (word === undefined) return undefined;
    stack.at(-1)?.push(word.said);
    at = word.end;
  }
}

function readWord(octets: Buffer, text: string, at: number): { said: Said; end: number } | undefined {
  const rest = text.slice(at);
  const quoted = /^"((?:[^"\\\0\r\n]|\\["\\])*)"/.exec(rest);
  if (quoted !== null) {
    if ((quoted[1] ?? '').replace(/\\./g, 'x').length > 1024) throw new Error('a quoted string is too long');
    const value = Buffer.from((quoted[1] ?? '').replace(/\\(.)/g, '$1'), 'latin1').toString();
    return { said: { string: value }, end: at + quoted[0].length };
  }
  const literal = /^\{(\d+)\}\r\n/.exec(rest);
  if (literal !== null) {
    const start = at + literal[0].length;
    const end = start + Number(literal[1]);
    return end > octets.length ? undefined : { said: { string: octets.toString('utf8', start, end) }, end };
  }
  const atom = /^[A-Z/-]+/.exec(rest);
  if (atom !== null) return { said: { atom: atom[0] }, end: at + atom[0].length };
  if (!rest.includes('\r\n')) return undefined;
  throw new Error(`no word: ${rest.slice(0, 40)}`);
}
