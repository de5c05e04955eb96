/**
 * store/text-office - the words of documents made by office programs: Office Open XML (ECMA-376) and OpenDocument.
 */
import { type MarkupRules, markupText } from '../protocol/mime/html.ts';
import { type ZipEntry, zipEntries } from './zip.ts';

export type OfficeKind = 'word' | 'sheet' | 'slides' | 'openDocument';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));
const none: ReadonlySet<string> = new Set();

const word: MarkupRules = {
  breaks: words('w:p w:br w:cr w:tab w:tc w:tr'),
  hidden: words('w:instrtext w:deltext'),
  attributes: none,
};
const slides: MarkupRules = { breaks: words('a:p a:br a:tc'), hidden: none, attributes: none };
const openDocument: MarkupRules = {
  breaks: words('text:p text:h text:line-break text:tab table:table-cell'),
  hidden: none,
  attributes: none,
};
const shared: MarkupRules = { breaks: words('si'), hidden: words('rph'), attributes: none };

/** Files that hold words, in an archive of this kind. */
const files: Readonly<Record<OfficeKind, RegExp>> = {
  word: /^word\/(?:document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml$/,
  sheet: /^xl\/(?:sharedStrings|comments\d*|worksheets\/sheet\d+)\.xml$/,
  slides: /^ppt\/(?:slides\/slide|notesSlides\/notesSlide)\d+\.xml$/,
  openDocument: /^content\.xml$/,
};

/** `cut`: some of it could not be read, or not within `limit` octets of unpacked files. */
export function officeText(archive: Buffer, kind: OfficeKind, limit: number) {
  const texts: string[] = [];
  let left = limit;
  let cut = false;
  for (const entry of zipEntries(archive)) {
    if (!files[kind].test(entry.name)) continue;
    const content = entry.read(left);
    if (content === undefined) {
      cut = true;
      continue;
    }
    left -= content.length;
    texts.push(textOf(kind, entry, content.toString('utf8')));
  }
  return { text: texts.filter((text) => text !== '').join('\n'), cut: cut || texts.length === 0 };
}

function textOf(kind: OfficeKind, { name }: ZipEntry, xml: string): string {
  if (kind === 'word') return markupText(xml, word);
  if (kind === 'slides') return markupText(xml, slides);
  if (kind === 'openDocument') return markupText(xml, openDocument);
  return name.startsWith('xl/worksheets/') ? cells(xml) : markupText(xml, shared);
}

const cellOrValue = /<c(\s[^<>]*)?>|<v>([^<]*)<\/v>|<t(?:\s[^<>]*)?>([^<]*)<\/t>/g;

/** What stands in the cells themselves; most texts do not, but among the shared strings. */
function cells(xml: string): string {
  const found: string[] = [];
  let isShared = false;
  for (const [, cell, value, text] of xml.matchAll(cellOrValue)) {
    if (value === undefined && text === undefined) isShared = /\st=["']s["']/.test(cell ?? '');
    else if (text !== undefined) found.push(markupText(text));
    else if (!isShared && value !== undefined) found.push(value);
  }
  return found.join('\n');
}
