/**
 * local/in-hand - one message on its way into mailboxes here: its octets staged once for all recipients, its header
 * section in memory, and of its content so much as is permitted.
 *
 * What is stored has one field more on top, `Return-Path` (RFC 5321 §4.4), the same for all recipients; so all of them
 * share one body. Scripts, and whoever a script sends the message on to, see it without that field.
 */
import type { Transaction } from '../mail/envelope.ts';
import type { Reading, Staged, Staging } from '../ports/messages.ts';
import { type HeaderSection, parseHeader } from '../sieve/message/header.ts';
import type { LocalPolicy } from './options.ts';

export interface Arriving {
  readonly queueId: string;
  readonly transaction: Transaction;
  readonly content: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

export interface InHand {
  readonly queueId: string;
  readonly transaction: Transaction;
  /** Return-Path, as it stands on top of what is stored. */
  readonly top: Uint8Array;
  /** With Return-Path. */
  readonly staged: Staged;
  /** Octets without Return-Path. */
  readonly size: number;
  readonly header: HeaderSection;
  /** The header section's octets with the empty line; its beginning where it is longer than is permitted. */
  readonly headerOctets: Uint8Array;
  /** Not wholly in memory. */
  readonly isLarge: boolean;
  /** The header section is wholly in `headerOctets`: it can be edited. */
  readonly headerWhole: boolean;
  /** Without Return-Path, from `start`. */
  content(signal: AbortSignal, start?: number): AsyncIterable<Uint8Array>;
  /** For scripts: the beginning, up to the limit. */
  beginning(signal: AbortSignal): Promise<Uint8Array>;
  /** `header` in place of the message's own. */
  edited(header: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface InHandOptions {
  readonly staging: Staging;
  readonly reading: Pick<Reading, 'content'>;
  readonly policy: LocalPolicy;
}

export const returnPath = ({ sender }: Transaction): Buffer =>
  Buffer.from(`Return-Path: <${sender?.text ?? ''}>\r\n`, 'utf8');

/** The content could not be read: its error is for whoever gave the content. */
export class ContentFault extends Error {
  override readonly name = 'ContentFault';
}

/** Throws ContentFault, and what Staging throws. */
export async function takeInHand(
  arriving: Arriving,
  { staging, reading, policy }: InHandOptions,
  signal: AbortSignal,
): Promise<InHand> {
  const { queueId, transaction } = arriving;
  const top = returnPath(transaction);
  const keep = new Beginning(policy.memoryLimit, policy.headerLimit);
  let fault: ContentFault | undefined;
  async function* content(): AsyncGenerator<Uint8Array> {
    yield top;
    try {
      for await (const chunk of arriving.content(signal)) {
        keep.push(chunk);
        yield chunk;
      }
    } catch (error) {
      fault = new ContentFault('the message cannot be read', { cause: error });
      throw error;
    }
  }
  let staged: Staged;
  try {
    staged = await staging.stage(content(), policy.messageLimit + top.length, signal);
  } catch (error) {
    throw fault ?? error;
  }
  return new Held(queueId, transaction, staged, top, keep, { reading, policy });
}

/** The octets in memory: all of a small message, the header section of a large one. */
class Beginning {
  #chunks: Uint8Array[] = [];
  #kept = 0;
  #size = 0;
  readonly #limit: number;

  constructor(memoryLimit: number, headerLimit: number) {
    this.#limit = Math.max(memoryLimit, headerLimit);
  }

  push(chunk: Uint8Array): void {
    this.#size += chunk.length;
    const part = chunk.subarray(0, this.#limit - this.#kept);
    if (part.length === 0) return;
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  get size(): number {
    return this.#size;
  }

  octets(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

class Held implements InHand {
  readonly queueId: string;
  readonly transaction: Transaction;
  readonly staged: Staged;
  readonly size: number;
  readonly header: HeaderSection;
  readonly headerOctets: Uint8Array;
  readonly headerWhole: boolean;
  readonly top: Uint8Array;
  /** The whole message, if it is small. */
  readonly #whole: Buffer | undefined;
  readonly #options: Omit<InHandOptions, 'staging'>;
  readonly #bodyAt: number;

  constructor(
    queueId: string,
    transaction: Transaction,
    staged: Staged,
    top: Buffer,
    beginning: Beginning,
    options: Omit<InHandOptions, 'staging'>,
  ) {
    this.queueId = queueId;
    this.transaction = transaction;
    this.staged = staged;
    this.size = beginning.size;
    this.top = top;
    this.#options = options;
    const octets = beginning.octets();
    const whole = octets.length === beginning.size;
    const { header, bodyAt } = parseHeader(octets);
    this.headerWhole = whole || bodyAt < octets.length;
    this.header = header;
    this.#bodyAt = bodyAt;
    this.headerOctets = octets.subarray(0, bodyAt);
    this.#whole = whole && octets.length <= options.policy.memoryLimit ? octets : undefined;
    // Nothing of a large message's body stays in memory with its header.
    if (this.#whole === undefined) this.headerOctets = Uint8Array.from(this.headerOctets);
  }

  get isLarge(): boolean {
    return this.#whole === undefined;
  }

  content(signal: AbortSignal, start = 0): AsyncIterable<Uint8Array> {
    if (this.#whole !== undefined) return once(this.#whole.subarray(start));
    return this.#options.reading.content(this.staged.body, signal, { start: this.top.length + start });
  }

  async beginning(signal: AbortSignal): Promise<Uint8Array> {
    if (this.#whole !== undefined) return this.#whole;
    const { reading, policy } = this.#options;
    const chunks: Uint8Array[] = [];
    const start = this.top.length;
    const end = start + Math.min(policy.bodyLimit, this.size);
    for await (const chunk of reading.content(this.staged.body, signal, { start, end })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async *edited(header: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield header;
    yield Buffer.from('\r\n');
    yield* this.content(signal, this.#bodyAt);
  }
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  if (octets.length > 0) yield octets;
}
