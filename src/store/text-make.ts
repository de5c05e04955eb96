/**
 * store/text-make - from the octets of headers and parts to the searchable text of a message. Pure; run in a process of its own.
 */
import { parseAddressList } from '../protocol/mime/address-list.ts';
import { decodeWords } from '../protocol/mime/encoded-words.ts';
import { decodeTransfer } from '../protocol/mime/transfer.ts';
import { searchable, type Texts } from './text.ts';
import { gramsOf } from './text-grams.ts';
import { isDocument, type LeafKind, leafText } from './text-leaf.ts';

/** What was read of a message: structured-cloned to its process. */
export interface Pieces {
  readonly header: Uint8Array;
  readonly partHeaders: readonly Uint8Array[];
  readonly leaves: readonly LeafPiece[];
  /** File names, decoded. */
  readonly names: readonly string[];
  /** Something was too large to be read. */
  readonly cut: boolean;
  /** Kept of the content. */
  readonly characters: number;
}

export interface LeafPiece {
  readonly kind: LeafKind;
  readonly encoding: string;
  readonly charset: string | undefined;
  readonly octets: Uint8Array;
}

export interface Made {
  readonly texts: Texts;
  readonly grams: Int32Array;
  /** What is missing, and why. */
  readonly trouble: string | undefined;
}

/** Octets that the documents in one message may unpack to. */
const mostUnpacked = 32 * 1024 * 1024;

export async function makeTexts(pieces: Pieces): Promise<Made> {
  const header = headerText(buffer(pieces.header));
  const partHeaders = [...pieces.partHeaders.map((octets) => headerText(buffer(octets))), ...names(pieces)];
  const { content, cut } = await contentOf(pieces);
  const texts = { header, partHeaders: partHeaders.join('\n'), content };
  return {
    texts,
    grams: gramsOf([texts.header, texts.partHeaders, texts.content]),
    trouble:
      cut || pieces.cut ? 'a part is too large, or damaged: its text is not searched whole' : undefined,
  };
}

const buffer = (octets: Uint8Array): Buffer =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);

const names = (pieces: Pieces): string[] => pieces.names.map((name) => `\n${searchable(name)}`);

async function contentOf({
  leaves,
  characters,
}: Pieces): Promise<{ readonly content: string; readonly cut: boolean }> {
  const parts: string[] = [];
  let room = characters;
  let unpack = mostUnpacked;
  let cut = false;
  for (const { kind, encoding, charset, octets } of leaves) {
    const decoded = decodeTransfer(buffer(octets), encoding);
    const read = await leafText(kind, decoded, charset, unpack);
    if (isDocument(kind)) unpack -= decoded.length;
    const text = searchable(read.text.slice(0, room));
    cut ||= read.cut || read.text.length > room;
    room = Math.max(0, room - text.length);
    parts.push(text);
  }
  return { content: parts.join('\n\u0001\n'), cut };
}

/**
 * One header section: LF and `NAME:value` for each field, unfolded (RFC 5322 §2.2.3) and decoded. A line that is no field
 * stands there as it is.
 */
export function headerText(octets: Buffer): string {
  const out: string[] = [];
  let field = '';
  const close = (): void => {
    if (field !== '') out.push(fieldText(field));
    field = '';
  };
  const lines = octets.toString('latin1').split('\n');
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '' && index === lines.length - 1) break;
    const first = line.charCodeAt(0);
    const continues = (first === 0x20 || first === 0x09) && field !== '';
    if (!continues) close();
    field += line;
  }
  close();
  return out.join('');
}

const fieldName = /^([!-9;-~]+)[ \t]*:/;

function fieldText(octets: string): string {
  const [all, name] = fieldName.exec(octets) ?? [];
  // A bare CR may stand within a value: no line begins there.
  const raw = octets.slice(all?.length ?? 0);
  const value = searchable(decodeWords(raw)).replaceAll('\n', ' ');
  if (name === undefined) return `\n ${value}`;
  const hidden = addressFields.has(name.toUpperCase()) ? hiddenAddresses(raw, value) : '';
  return `\n${name.toUpperCase()}:${value}${hidden}`;
}

/** RFC 9051 §6.4.4: of these the envelope is searched, where comments do not stand within an address. */
const addressFields: ReadonlySet<string> = new Set(['FROM', 'SENDER', 'REPLY-TO', 'TO', 'CC', 'BCC']);
const addressesAtMost = { octets: 65_536, items: 1000 };

/** Addresses that do not stand in the value as they are. */
function hiddenAddresses(raw: string, value: string): string {
  if (!/[(\\"]|\s@|@\s/.test(raw)) return '';
  return (parseAddressList(raw, { ...addressesAtMost }) ?? [])
    .flatMap((address) => ('group' in address ? address.members : [address]))
    .map(({ mailbox, host }) => searchable(`${mailbox}@${host}`))
    .filter((address) => address !== '@' && !value.includes(address))
    .map((address) => ` ${address.replaceAll('\n', ' ')}`)
    .join('');
}
