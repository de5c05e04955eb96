/**
 * protocol/mime/html - the words of an HTML or XML document. One pass, no tree, linear whatever comes.
 *
 * Tags go; what stands between `script` or `style` and its end goes with them, comments too. White space is one space,
 * or one line end where a block begins or ends. Words that a reader may see otherwise come at the end, a line each:
 * alternative texts, titles, and where links lead.
 */
import { characterOf } from './html-characters.ts';

export interface MarkupRules {
  /** Elements that begin and end a line. */
  readonly breaks: ReadonlySet<string>;
  /** Elements whose content is nobody's to read. */
  readonly hidden: ReadonlySet<string>;
  /** Attributes whose values are words too. */
  readonly attributes: ReadonlySet<string>;
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

export const htmlRules: MarkupRules = {
  breaks: words(
    'address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section select summary table tbody td tfoot th thead title tr ul',
  ),
  hidden: words('script style template'),
  attributes: words('alt title href'),
};

/** Characters of attributes kept of one document. */
const mostOfAttributes = 200_000;

export function markupText(markup: string, rules: MarkupRules = htmlRules): string {
  const reader = new Reader(rules);
  let at = 0;
  while (at < markup.length) {
    const open = markup.indexOf('<', at);
    if (open < 0) break;
    reader.text(markup.slice(at, open));
    at = reader.tag(markup, open);
  }
  reader.text(markup.slice(at));
  return reader.finish();
}

class Reader {
  readonly #rules: MarkupRules;
  #out = '';
  #aside = '';
  /** White space that comes before the next character, if one comes. */
  #gap: '' | ' ' | '\n' = '';

  constructor(rules: MarkupRules) {
    this.#rules = rules;
  }

  text(raw: string): void {
    if (raw === '') return;
    const text = decodeCharacters(raw).replace(/[ \t\r\n\f]+/g, ' ');
    const start = text.startsWith(' ') ? 1 : 0;
    if (start > 0 && this.#gap === '') this.#gap = ' ';
    const end = text.length > start && text.endsWith(' ') ? text.length - 1 : text.length;
    if (end === start) return;
    this.#out += (this.#out === '' ? '' : this.#gap) + text.slice(start, end);
    this.#gap = end < text.length ? ' ' : '';
  }

  /** What begins with the `<` at `open`; answers where it ends. */
  tag(markup: string, open: number): number {
    if (markup.startsWith('<!--', open)) return after(markup, '-->', open + 4);
    if (markup.startsWith('<![CDATA[', open)) {
      const end = markup.indexOf(']]>', open);
      this.text(markup.slice(open + 9, end < 0 ? undefined : end).replaceAll('&', '&amp;'));
      return end < 0 ? markup.length : end + 3;
    }
    const mark = markup[open + 1] ?? '';
    if (mark === '!' || mark === '?') return after(markup, '>', open);
    name.lastIndex = open;
    const [all, slash, tagName] = name.exec(markup) ?? [];
    if (all === undefined || tagName === undefined) {
      this.text('&lt;');
      return open + 1;
    }
    const element = tagName.toLowerCase();
    if (this.#rules.breaks.has(element)) this.#gap = '\n';
    const end = this.#attributes(markup, open + all.length);
    if (slash === '/' || !this.#rules.hidden.has(element)) return end;
    return endOf(markup, element, end);
  }

  /** Up to behind the `>` of a tag, values of attributes kept on the way. */
  #attributes(markup: string, from: number): number {
    for (let at = from; at < markup.length; ) {
      if (markup[at] === '>') return at + 1;
      attribute.lastIndex = at;
      const [all, key, double, single, bare] = attribute.exec(markup) ?? [];
      if (all === undefined) {
        at += 1;
        continue;
      }
      at += all.length;
      const value = double ?? single ?? bare;
      if (value !== undefined && key !== undefined && this.#rules.attributes.has(key.toLowerCase()))
        this.#keep(decodeCharacters(value).replace(/\s+/g, ' ').trim());
    }
    return markup.length;
  }

  #keep(value: string): void {
    if (value !== '' && this.#aside.length + value.length < mostOfAttributes) this.#aside += `\n${value}`;
  }

  finish(): string {
    return this.#out + this.#aside;
  }
}

const name = /<(\/?)([A-Za-z][^\s/>]{0,60})/y;
/** A name, and perhaps a value. A quote that never ends ends with the document. */
const attribute = /([^\s/>="']+)(?:\s*=\s*(?:"([^"]*)(?:"|$)|'([^']*)(?:'|$)|([^\s"'>][^\s>]*)))?/y;

const after = (markup: string, mark: string, from: number): number => {
  const at = markup.indexOf(mark, from);
  return at < 0 ? markup.length : at + mark.length;
};

/** Where the end tag of an element begins; without one the rest of the document is its content. */
function endOf(markup: string, element: string, from: number): number {
  const end = new RegExp(`</${element}(?=[\\s/>])`, 'gi');
  end.lastIndex = from;
  return end.exec(markup)?.index ?? markup.length;
}

const reference = /&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));?/g;

/** Character references as characters; what is none stays. */
function decodeCharacters(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(reference, (all: string, decimal?: string, hex?: string, named?: string) => {
    if (named !== undefined) return characterOf(named) ?? all;
    const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
      ? String.fromCodePoint(code)
      : all;
  });
}
