/**
 * receive/message - one message on its way in: octets are looked at, limited and handed on as they come, to the spool
 * or, with LMTP where the listener says so, into the mailboxes here.
 *
 * `end()` resolves when the spool or every mailbox has it, durably, and only then may 250 be said; whatever else happened is thrown,
 * as a MailError or as what the spool threw. Never holds more of the message than its header section and the pipe's bound.
 */
import { MailError } from '../mail/condition.ts';
import type { ContentFacts } from '../mail/content.ts';
import type { Client, Envelope } from '../mail/envelope.ts';
import type { Reply } from '../mail/reply.ts';
import type { Decision } from '../mail/route.ts';
import type { LocalDelivery } from '../ports/local-delivery.ts';
import type { QueueId } from '../ports/spool.ts';
import { ContentScanner, type Scanned } from '../protocol/mime/scan.ts';
import { LineEndingNormaliser } from '../protocol/smtp/line-endings.ts';
import { ContentPipe } from './content-pipe.ts';
import type { ListenerOptions, ReceiveDeps } from './options.ts';
import { checkAuthors, lackingFields, submissionFields } from './submission.ts';

export interface MessageContext {
  readonly options: ListenerOptions;
  readonly ownNames: ReadonlySet<string>;
  readonly deps: ReceiveDeps;
  readonly envelope: Envelope;
  readonly client: Client;
  readonly signal: AbortSignal;
  /** The Received field for this queue id. */
  readonly trace: (id: QueueId, date: Date) => string;
}

/** Where mail is delivered while the client waits. */
export const localOf = ({
  options,
  deps,
}: Pick<MessageContext, 'options' | 'deps'>): LocalDelivery | undefined =>
  options.protocol === 'lmtp' && options.deliver === 'local' ? deps.local : undefined;

interface Finished {
  readonly facts: ContentFacts;
  readonly lacking?: Uint8Array;
  readonly decisions: readonly Decision[];
}

const lineEnd = Buffer.of(0x0d, 0x0a);

/** Refused for its line endings: what the client sent behind it must not run (SMTP smuggling). */
export const isSmuggling = (error: unknown): boolean =>
  error instanceof MailError && error.condition === 'badLineEnding';

export class Message {
  readonly id: QueueId;
  readonly startedAt: number;
  readonly #context: MessageContext;
  readonly #scanner: ContentScanner;
  readonly #normaliser: LineEndingNormaliser | undefined;
  readonly #pipe = new ContentPipe();
  readonly #accepted: Promise<readonly Reply[] | undefined>;
  readonly #local: LocalDelivery | undefined;
  #octets = 0;
  #refusal: MailError | undefined;
  #facts: ContentFacts | undefined;

  constructor(context: MessageContext) {
    const { deps, options } = context;
    const receivedAt = deps.now();
    this.#context = context;
    this.id = deps.spool.newId();
    this.startedAt = receivedAt.getTime();
    this.#scanner = new ContentScanner({
      ownNames: context.ownNames,
      fields:
        options.protocol === 'submission'
          ? [...new Set([...deps.routing.headerNames, ...submissionFields])]
          : deps.routing.headerNames,
      headerLimit: options.limits.headerSize,
    });
    this.#normaliser = options.content.lineEndings === 'normalise' ? new LineEndingNormaliser() : undefined;
    this.#local = localOf({ options, deps });
    this.#accepted = (this.#local ?? deps.spool)
      .accept(
        {
          id: this.id,
          envelope: context.envelope,
          client: context.client,
          receivedAt,
          trace: Buffer.from(context.trace(this.id, receivedAt)),
          content: this.#pipe,
          finish: () => this.#finish(),
        },
        context.signal,
      )
      .then((replies) => replies ?? undefined)
      // A spool that has enough before the end: the rest of the content goes nowhere.
      .finally(() => this.#pipe.discard());
    this.#accepted.catch(() => {});
  }

  /** Octets that came, also those that go nowhere. */
  get octets(): number {
    return this.#octets;
  }

  /** Known when end() has resolved. */
  get facts(): ContentFacts | undefined {
    return this.#facts;
  }

  /** So much came beyond the limit that it is not worth waiting for the end. */
  get isHopeless(): boolean {
    const limit = this.#context.options.limits.messageSize;
    return limit > 0 && this.#octets > limit * 2 + 1_048_576;
  }

  get full(): boolean {
    return this.#pipe.full;
  }

  onceReady(resume: () => void): void {
    this.#pipe.onceReady(resume);
  }

  write(chunk: Buffer): void {
    this.#octets += chunk.length;
    const content = this.#normaliser === undefined ? chunk : this.#normaliser.push(chunk);
    this.#scanner.push(content);
    // Refused already: only its line endings can make it worse.
    if (this.#refusal !== undefined && !this.#scanner.isOdd) return;
    const refusal = this.#trouble();
    if (refusal === undefined) this.#pipe.write(content);
    else this.refuse(refusal);
  }

  /** What cannot become better by what follows. */
  #trouble(): MailError | undefined {
    const { limits, content } = this.#context.options;
    const odd = this.#scanner.isOdd ? this.#scanner.odd : undefined;
    if (odd?.bareCr || odd?.bareLf) return new MailError('never', 'badLineEnding');
    if (limits.messageSize > 0 && this.#scanner.size > limits.messageSize) {
      return new MailError('never', 'messageTooBig', {
        text: `Message exceeds the limit of ${limits.messageSize} octets`,
      });
    }
    if (this.#scanner.headerTooBig) {
      return new MailError('never', 'badContent', {
        text: `Header section exceeds the limit of ${limits.headerSize} octets`,
      });
    }
    if (odd?.nul && content.nul === 'refuse') {
      return new MailError('never', 'badContent', { text: 'NUL in the message' });
    }
    return undefined;
  }

  /** The message will not be taken; the spool is told, the rest is read and goes nowhere. Bare line ends count most. */
  refuse(error: MailError): void {
    if (this.#refusal === undefined) this.#pipe.fail(error);
    if (!isSmuggling(this.#refusal) && (this.#refusal === undefined || isSmuggling(error)))
      this.#refusal = error;
  }

  /** The content is complete: resolves when it is safe. With a reply for each recipient where it was delivered at once. */
  async end(): Promise<readonly Reply[] | undefined> {
    if (this.#refusal === undefined) this.#endContent();
    let replies: readonly Reply[] | undefined;
    try {
      replies = await this.#accepted;
    } catch (error) {
      throw this.#refusal ?? error;
    }
    if (this.#refusal !== undefined) throw this.#refusal;
    return replies;
  }

  #endContent(): void {
    const left = this.#normaliser?.end();
    if (left !== undefined && left.length > 0) this.#pass(left);
    // BDAT need not end with a line end; what goes out by DATA must (RFC 5321 §4.1.1.4).
    if (!this.#scanner.endsLine) this.#pass(lineEnd);
    const refusal = this.#trouble();
    if (refusal === undefined) this.#pipe.end();
    else this.refuse(refusal);
  }

  #pass(content: Buffer): void {
    this.#scanner.push(content);
    this.#pipe.write(content);
  }

  async #finish(): Promise<Finished> {
    const scanned = this.#scanner.finish();
    this.#checkFields(scanned);
    await this.#checkAuthors(scanned);
    const decisions = await this.#askRouting(scanned);
    return { ...this.#complete(scanned), decisions };
  }

  async #checkAuthors({ fields }: Scanned): Promise<void> {
    const { options, deps, client, signal } = this.#context;
    if (options.protocol !== 'submission' || client.account === undefined || !deps.senders) return;
    if (options.from === 'check') await checkAuthors(deps.senders, client.account, fields, signal);
  }

  #complete({ facts, fields }: Scanned): { facts: ContentFacts; lacking?: Uint8Array } {
    const { options } = this.#context;
    const made = { id: this.id, date: new Date(this.startedAt), hostname: options.hostname };
    const lacking = options.protocol === 'submission' ? lackingFields(fields, made) : undefined;
    this.#facts = lacking?.messageId === undefined ? facts : { ...facts, messageId: lacking.messageId };
    return {
      facts: this.#facts,
      ...(lacking === undefined ? {} : { lacking: Buffer.from(lacking.fields) }),
    };
  }

  #checkFields({ facts, fieldCount }: Scanned): void {
    const { limits } = this.#context.options;
    if (limits.headerFields > 0 && fieldCount > limits.headerFields) {
      throw new MailError('never', 'badContent', { text: 'Too many header fields' });
    }
    // RFC 5321 §6.3
    if (facts.hops > limits.hops) throw new MailError('never', 'loop', { text: 'Too many hops' });
    if (facts.ownHops > limits.ownHops) {
      throw new MailError('never', 'loop', { text: 'Mail loop: the message was here too often' });
    }
  }

  /** Some recipients refused now stay in the envelope, and a report tells the sender; all of them: the sender is told here. */
  async #askRouting({ facts, fields }: Scanned): Promise<readonly Decision[]> {
    const { deps, envelope, client, signal } = this.#context;
    const decisions = await deps.routing.routeAll(
      envelope.recipients.map(({ address }) => ({
        recipient: address,
        sender: envelope.sender,
        client,
        size: facts.size,
        headers: fields,
        sitesSeen: facts.sitesSeen,
      })),
      signal,
    );
    const [first] = decisions;
    const same = first !== undefined && decisions.every(({ verdict }) => verdict === first.verdict);
    // Delivered at once, each recipient has a reply of his own.
    if (same && this.#local === undefined) refuseBy(first);
    return decisions;
  }
}

function refuseBy(decision: Decision): void {
  if (decision.verdict !== 'refuse' && decision.verdict !== 'defer') return;
  throw new MailError(decision.verdict === 'refuse' ? 'never' : 'later', 'refused', {
    reply: decision.reply,
    facts: { because: decision.because },
  });
}
