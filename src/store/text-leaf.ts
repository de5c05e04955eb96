/**
 * store/text-leaf - the words of one part by what it is: plain text, HTML, PDF, an office document; nothing of all else.
 */
import { decodeCharset } from '../protocol/mime/charset.ts';
import { markupText } from '../protocol/mime/html.ts';
import { type OfficeKind, officeText } from './text-office.ts';
import { pdfText } from './text-pdf.ts';

export type LeafKind = 'text' | 'html' | 'pdf' | OfficeKind;

/** Costs much more than its octets. */
export const isDocument = (kind: LeafKind): boolean => kind !== 'text' && kind !== 'html';

const subtypes: Readonly<Record<string, LeafKind>> = {
  'vnd.openxmlformats-officedocument.wordprocessingml.document': 'word',
  'vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'sheet',
  'vnd.openxmlformats-officedocument.presentationml.presentation': 'slides',
  'vnd.ms-word.document.macroenabled.12': 'word',
  'vnd.ms-excel.sheet.macroenabled.12': 'sheet',
  'vnd.oasis.opendocument.text': 'openDocument',
  'vnd.oasis.opendocument.spreadsheet': 'openDocument',
  'vnd.oasis.opendocument.presentation': 'openDocument',
  'xhtml+xml': 'html',
  pdf: 'pdf',
  'x-pdf': 'pdf',
  json: 'text',
  xml: 'text',
  'x-yaml': 'text',
};

const extensions: Readonly<Record<string, LeafKind>> = {
  docx: 'word',
  docm: 'word',
  xlsx: 'sheet',
  xlsm: 'sheet',
  pptx: 'slides',
  odt: 'openDocument',
  ods: 'openDocument',
  odp: 'openDocument',
  pdf: 'pdf',
  htm: 'html',
  html: 'html',
  txt: 'text',
  csv: 'text',
  log: 'text',
};

/** Undefined: no words in it that we can read. */
export function leafKind(type: string, subtype: string, fileName: string | undefined): LeafKind | undefined {
  const [main, sub] = [type.toLowerCase(), subtype.toLowerCase()];
  if (main === 'text') return sub === 'html' ? 'html' : 'text';
  // Reports, and what could not be taken apart.
  if (main === 'message' || main === 'multipart') return 'text';
  if (main !== 'application') return undefined;
  const known = subtypes[sub];
  if (known !== undefined) return known;
  // Senders who know no better call everything octets.
  const extension = /\.([a-z]{3,4})$/i.exec(fileName ?? '')?.[1]?.toLowerCase();
  return extension !== undefined && Object.hasOwn(extensions, extension) ? extensions[extension] : undefined;
}

export interface LeafText {
  readonly text: string;
  /** Some of it could not be read. */
  readonly cut: boolean;
}

/** `octets` without transfer encoding; `limit`: octets of what they may unpack to, or characters of what they say. */
export async function leafText(
  kind: LeafKind,
  octets: Buffer,
  charset: string | undefined,
  limit: number,
): Promise<LeafText> {
  if (kind === 'text') return { text: decodeCharset(octets, charset), cut: false };
  if (kind === 'html')
    return { text: markupText(decodeCharset(octets, charset ?? declared(octets))), cut: false };
  return kind === 'pdf' ? pdfText(octets, limit) : officeText(octets, kind, limit);
}

/** HTML that travels without a charset may name one itself. */
const declared = (octets: Buffer): string | undefined =>
  /<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(octets.toString('latin1', 0, 1024))?.[1];
