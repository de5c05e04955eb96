/**
 * store/text-read - the searchable text of one body: reads the octets it is made of, has it made, and says what that cost.
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { MessageStructure, Span } from '../mail/structure.ts';
import type { Reading } from '../ports/messages.ts';
import { readStructure } from '../protocol/mime/stored-structure.ts';
import { StructureScanner } from '../protocol/mime/structure.ts';
import { isDocument } from './text-leaf.ts';
import type { Made, Pieces } from './text-make.ts';
import { type Wanted, wantedOf } from './text-wanted.ts';

export interface TextBody {
  readonly id: BodyId;
  /** As it is stored. */
  readonly structure: string;
}

/** Makes texts of pieces: in a process of its own, or at once. Throws when it takes too long or too much. */
export interface TextMaker {
  make(pieces: Pieces, signal: AbortSignal): Promise<Made>;
}

export interface ReadText extends Made {
  /** Octets that were read; those of documents count for many. */
  readonly cost: number;
}

/** What of a message is searched at all. */
export interface TextBounds {
  /** Office documents too. */
  readonly documents: boolean;
  /** Characters of what the parts say; the rest is not found. */
  readonly characters: number;
}

export const usualBounds: TextBounds = { documents: true, characters: 16 * 1024 * 1024 };

/** How much of a message: when all of it is too costly, less is better than nothing. */
export type Extent = 'all' | 'withoutDocuments' | 'headers';

/** An octet of a document takes as long as so many of text. */
const documentCost = 16;

/** Gaps up to this are read through. */
const smallGap = 16 * 1024;

/** Throws what `content` and the maker throw. */
export async function readText(
  body: TextBody,
  messages: Pick<Reading, 'content'>,
  maker: TextMaker,
  signal: AbortSignal,
  bounds: TextBounds = usualBounds,
  extent: Extent = bounds.documents ? 'all' : 'withoutDocuments',
): Promise<ReadText> {
  const all = wantedOf(await structureOf(body, messages, signal));
  const wanted = lessOf(all, extent, bounds.documents || extent === 'headers');
  const reader = new SpanReader(body.id, messages, signal, spansOf(wanted));
  const header = await reader.read(wanted.header);
  const partHeaders: Buffer[] = [];
  for (const span of wanted.partHeaders) partHeaders.push(await reader.read(span));
  const leaves: Pieces['leaves'][number][] = [];
  for (const { span, kind, encoding, charset } of wanted.leaves)
    leaves.push({ kind, encoding, charset, octets: await reader.read(span) });
  const { names, cut } = wanted;
  const { characters } = bounds;
  const made = await maker.make({ header, partHeaders, leaves, names, cut, characters }, signal);
  const documents = leaves.filter(({ kind }) => isDocument(kind));
  const more = documents.reduce((sum, { octets }) => sum + octets.length, 0) * documentCost;
  return { ...made, cost: reader.octets + more };
}

/** `cut`: what is left out is missed. */
function lessOf(wanted: Wanted, extent: Extent, cut: boolean): Wanted {
  if (extent === 'all') return wanted;
  const isLeft = ({ kind }: Wanted['leaves'][number]): boolean =>
    extent === 'withoutDocuments' && !isDocument(kind);
  return { ...wanted, leaves: wanted.leaves.filter(isLeft), cut: cut || wanted.cut };
}

/** As stored; scanned again where it was stored in a form of old. */
async function structureOf(
  { id, structure }: TextBody,
  messages: Pick<Reading, 'content'>,
  signal: AbortSignal,
): Promise<MessageStructure> {
  try {
    return readStructure(structure);
  } catch {
    const scanner = new StructureScanner();
    for await (const chunk of messages.content(id, signal)) scanner.push(Buffer.from(chunk));
    return scanner.finish();
  }
}

const spansOf = ({ header, partHeaders, leaves }: Wanted): Span[] =>
  [header, ...partHeaders, ...leaves.map(({ span }) => span)].sort((a, b) => a.start - b.start);

/** Reads neighbouring spans together, and keeps what it read. */
class SpanReader {
  octets = 0;
  readonly #body: BodyId;
  readonly #messages: Pick<Reading, 'content'>;
  readonly #signal: AbortSignal;
  readonly #runs: { readonly start: number; end: number; octets?: Promise<Buffer> }[] = [];

  constructor(body: BodyId, messages: Pick<Reading, 'content'>, signal: AbortSignal, spans: readonly Span[]) {
    this.#body = body;
    this.#messages = messages;
    this.#signal = signal;
    for (const { start, end } of spans) {
      const last = this.#runs.at(-1);
      if (last !== undefined && start <= last.end + smallGap) last.end = Math.max(last.end, end);
      else this.#runs.push({ start, end });
    }
  }

  async read({ start, end }: Span): Promise<Buffer> {
    const run = this.#runs[this.#runOf(start)];
    if (run === undefined || end <= start) return Buffer.alloc(0);
    run.octets ??= this.#content(run.start, run.end);
    return (await run.octets).subarray(start - run.start, end - run.start);
  }

  /** Index of the last run that begins at or before `start`. */
  #runOf(start: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#runs[middle]?.start ?? 0) <= start) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #content(start: number, end: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#messages.content(this.#body, this.#signal, { start, end }))
      chunks.push(chunk);
    const octets = Buffer.concat(chunks);
    this.octets += octets.length;
    return octets;
  }
}
