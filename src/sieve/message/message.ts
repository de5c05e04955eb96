/**
 * sieve/message/message - the message a script looks at; its body is fetched when a test first asks.
 */
import type { HeaderSection } from './header.ts';
import { parseHeader } from './header.ts';
import { type Part, parseParts, withHeader } from './mime.ts';

export interface MessageSource {
  /** Octets of the whole message. */
  readonly size: number;
  /** The header section with the empty line that ends it; more does no harm. */
  readonly header: Uint8Array;
  /** The whole message, header section included. Asked for at most once. */
  readonly content: () => Promise<Uint8Array>;
}

export class Message {
  readonly #original: HeaderSection;
  /** With the edits made so far. */
  header: HeaderSection;
  /** The header section is ended by an empty line. */
  readonly hasBody: boolean;
  readonly #source: MessageSource;
  #body: Promise<Uint8Array> | undefined;
  #parts: Part | undefined;

  constructor(source: MessageSource) {
    this.#source = source;
    const { header, ended } = parseHeader(source.header);
    this.#original = header;
    this.header = header;
    this.hasBody = ended;
  }

  /** Octets of the message as it is now. */
  get size(): number {
    if (this.header === this.#original) return this.#source.size;
    return this.#source.size - this.#original.size + this.header.size;
  }

  /** Behind the empty line. */
  body(): Promise<Uint8Array> {
    this.#body ??= this.#source.content().then((octets) => octets.subarray(parseHeader(octets).bodyAt));
    return this.#body;
  }

  /** `spend` is told the steps of work it takes: the parts are read again where an edited header has them read otherwise. */
  async parts(spend: (work: number) => void): Promise<Part> {
    const body = await this.body();
    if (this.#parts === undefined || this.#parts.header !== this.header) {
      spend(1 + (this.header.fields.length >> 4));
      this.#parts = this.#parts && withHeader(this.#parts, this.header);
    }
    if (this.#parts === undefined) {
      spend(1 + (body.length >> 4));
      this.#parts = parseParts(this.header, body);
    }
    return this.#parts;
  }
}

/** A message that is wholly in memory. */
export const messageOf = (octets: Uint8Array): MessageSource => ({
  size: octets.length,
  header: octets.subarray(0, parseHeader(octets).bodyAt),
  content: async () => octets,
});
