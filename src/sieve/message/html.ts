/**
 * sieve/message/html - the words a reader sees of an HTML part (RFC 5173 §5.3). One pass, no tree, whatever is left open.
 */
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '\u00a9',
  reg: '\u00ae',
  euro: '\u20ac',
  ndash: '\u2013',
  mdash: '\u2014',
  hellip: '\u2026',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
};

/** Elements of which nobody sees the inside, and where they end. */
const hidden: ReadonlyMap<string, RegExp> = new Map(
  ['script', 'style', 'head', 'title'].map((name) => [name, new RegExp(`</${name}\\s*>`, 'gi')]),
);
const blocks: ReadonlySet<string> = new Set(
  'br p div tr li h1 h2 h3 h4 h5 h6 table blockquote hr'.split(' '),
);
const tag = /<(\/?)([A-Za-z!][A-Za-z0-9]*)/y;
const entity = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi;

export function htmlToText(html: string): string {
  const seen: string[] = [];
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at);
    if (open < 0) {
      seen.push(html.slice(at));
      break;
    }
    if (open > at) seen.push(html.slice(at, open));
    const { end, instead } = readMarkup(html, open);
    if (instead !== '') seen.push(instead);
    at = end;
  }
  return seen.join('').replace(entity, asCharacter);
}

/** What begins with the `<` at `open`: where it ends, and what is seen of it. Each octet is looked at once. */
function readMarkup(html: string, open: number): { readonly end: number; readonly instead: string } {
  if (html.startsWith('<!--', open)) return { end: behind(html, '-->', open + 4), instead: '' };
  tag.lastIndex = open;
  const found = tag.exec(html);
  if (found === null) return { end: open + 1, instead: '<' };
  const name = (found[2] as string).toLowerCase();
  const end = behind(html, '>', open + 1);
  if (found[1] === '/') return { end, instead: '' };
  const close = hidden.get(name);
  if (close !== undefined) {
    close.lastIndex = end;
    return { end: close.test(html) ? close.lastIndex : html.length, instead: ' ' };
  }
  return { end, instead: blocks.has(name) ? '\r\n' : '' };
}

function behind(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from);
  return at < 0 ? html.length : at + mark.length;
}

function asCharacter(all: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return entities[name] ?? all;
  const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : all;
}
