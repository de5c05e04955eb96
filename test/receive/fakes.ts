/**
 * A spool that keeps what it is given in memory, a routing with a handful of mailboxes, a trace that remembers; and
 * options as an operator would have them.
 */
import { MailError, replyFor } from '../../src/mail/condition.ts';
import type { ContentFacts } from '../../src/mail/content.ts';
import type { Decision } from '../../src/mail/route.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import type { Question, Routing } from '../../src/ports/routing.ts';
import type { Incoming, Spool } from '../../src/ports/spool.ts';
import type { Trace, TraceRow } from '../../src/ports/trace.ts';
import type { Limits, ListenerOptions, ReceiveDeps } from '../../src/receive/options.ts';

export interface Kept extends Omit<Incoming, 'content' | 'finish'> {
  readonly content: Buffer;
  readonly facts: ContentFacts;
  readonly lacking?: Uint8Array;
}

export class FakeSpool implements Spool {
  readonly kept: Kept[] = [];
  /** Thrown instead of keeping. */
  trouble: Error | undefined;
  /** Awaited before a message is safe. */
  pause: Promise<void> | undefined;
  #last = 0;

  newId(): string {
    return `Q${String(++this.#last).padStart(11, '0')}`;
  }

  async accept(incoming: Incoming, signal: AbortSignal): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble;
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming.content) chunks.push(Buffer.from(chunk));
    const finished = await incoming.finish();
    await this.pause;
    signal.throwIfAborted();
    this.kept.push({ ...incoming, content: Buffer.concat(chunks), ...finished });
  }

  get contents(): string[] {
    return this.kept.map(({ content }) => content.toString('latin1'));
  }
}

const because = ['test'];

/** Local parts decide: unknown… 550, full… 452, later… 451 by the directory's absence, hold… and so on. */
export class FakeRouting implements Routing {
  headerNames: readonly string[] = ['subject', 'x-refuse'];
  readonly questions: Question[] = [];
  /** Awaited before any answer. */
  pause: Promise<void> | undefined;

  async route(question: Question): Promise<Decision> {
    this.questions.push(question);
    await this.pause;
    return this.#decide(question);
  }

  async routeAll(questions: readonly Question[]): Promise<readonly Decision[]> {
    this.questions.push(...questions);
    return questions.map((question) => this.#decide(question));
  }

  #decide({ recipient, headers, client }: Question): Decision {
    const { local, domain } = recipient;
    if (domain === 'elsewhere.example' && !client.mayRelay) {
      return { verdict: 'refuse', reply: replyFor('never', 'relayDenied'), because };
    }
    if (local.startsWith('unknown')) {
      return { verdict: 'refuse', reply: replyFor('never', 'unknownMailbox'), because };
    }
    if (local.startsWith('full'))
      return { verdict: 'defer', reply: replyFor('later', 'mailboxFull', '4.2.2 full'), because };
    if (local.startsWith('broken')) throw new MailError('later', 'directoryTrouble');
    if (local.startsWith('bug')) throw new Error('a secret detail');
    if (headers?.has('x-refuse') && !local.startsWith('keep')) {
      return {
        verdict: 'refuse',
        reply: { code: 550, enhanced: '5.7.1', lines: ['Not with', 'that header'] },
        because,
      };
    }
    if (local.startsWith('hold')) return { verdict: 'hold', reason: 'test', because };
    return { verdict: 'deliver', copies: [], because };
  }
}

export class FakeTrace implements Trace {
  readonly rows: TraceRow[] = [];

  record(row: TraceRow): void {
    this.rows.push(row);
  }

  async *find(): AsyncGenerator<TraceRow> {
    yield* this.rows;
  }
}

export const limits: Limits = {
  connections: 500,
  connectionsPerNetwork: 0,
  connectionsPerMinute: 0,
  messagesPerMinute: 0,
  messagesPerConnection: 0,
  recipients: 100,
  refusedRecipients: 20,
  errors: 20,
  commandLine: 2048,
  messageSize: 10_000_000,
  headerSize: 65_536,
  headerFields: 1000,
  hops: 50,
  ownHops: 5,
  commandTime: 60_000,
  dataTime: 60_000,
  dataRate: 0,
  lookupTime: 30_000,
};

export type Changes = Partial<Omit<ListenerOptions, 'limits' | 'tls'>> & {
  readonly limits?: Partial<Limits>;
  readonly tls?: Partial<ListenerOptions['tls']>;
};

export function listenerOptions(changes: Changes = {}): ListenerOptions {
  return {
    name: 'test',
    address: '127.0.0.1',
    port: 0,
    protocol: 'smtp',
    hostname: 'mx.example.org',
    greeting: { text: '', delay: 0, earlyTalkers: 'accept' },
    relay: { networks: [], certificateNames: [] },
    proxyProtocol: { networks: [] },
    xclient: { networks: [] },
    content: { lineEndings: 'refuse', nul: 'refuse' },
    from: 'check',
    reverseName: 0,
    ...changes,
    limits: { ...limits, ...changes.limits },
    tls: {
      mode: 'none',
      certificates: [],
      minVersion: 'TLSv1.2',
      clientCertificates: 'ignore',
      ...changes.tls,
    },
  };
}

export interface Fakes extends ReceiveDeps {
  readonly spool: FakeSpool;
  readonly routing: FakeRouting;
  readonly trace: FakeTrace;
}

export const fakes = (changes: Partial<ReceiveDeps> = {}): Fakes => ({
  metrics: noMetrics,
  log: silentLog,
  now: () => new Date(),
  ...changes,
  spool: new FakeSpool(),
  routing: new FakeRouting(),
  trace: new FakeTrace(),
});
