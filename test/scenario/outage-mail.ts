/**
 * scenario/outage-mail - mail that flows while something is away: clients that write down every answer, and the books.
 *
 * Each transaction carries a message of its own, with one recipient. A promise is a 250 for the end of data.
 */
import { SmtpClient } from '../peers/client.ts';
import { type Account, balance, type Came, type Kill } from '../torture/ledger.ts';
import type { Taken } from './outage-silence.ts';

export interface MailOptions {
  /** Sessions are spread over them. */
  readonly ports: readonly number[];
  /** Distinguishes these messages from others. */
  readonly label: string;
  readonly sessions: number;
  /** Messages a second in all; 0: as fast as they are answered. */
  readonly rate: number;
  readonly to: readonly string[];
  /** Octets of content of the message of that number. */
  readonly size?: (number: number) => number;
  /** Ends by itself after so many. */
  readonly total?: number;
}

/** One transaction and how it ended. */
export interface Attempt {
  readonly messageId: string;
  readonly to: string;
  readonly size: number;
  readonly port: number;
  /** When it ended, milliseconds since the epoch, and how long it took. */
  readonly at: number;
  readonly tookMs: number;
  /** Of the first command that was not taken, else of the end of data; 0 where the connection broke. */
  readonly code: number;
  readonly text: string;
}

export interface Mail {
  readonly attempts: readonly Attempt[];
  /** Message ids of everything that was handed in, answered or not. */
  readonly attempted: ReadonlySet<string>;
  promised(since?: number): readonly Attempt[];
  /** All that was not promised, broken connections included. */
  refused(since?: number): readonly Attempt[];
  /** Resolves when `total` are through. */
  readonly done: Promise<unknown>;
  /** Ends after what is under way. */
  stop(): Promise<void>;
}

/** No session waits longer for an answer, milliseconds: whatever is away, people are told something. */
export const patience = 60_000;

export function startMail(options: MailOptions): Mail {
  const attempts: Attempt[] = [];
  const attempted = new Set<string>();
  const began = Date.now();
  let number = 0;
  let going = true;

  const next = async (): Promise<number | undefined> => {
    const ahead = options.rate === 0 ? 0 : number / options.rate - (Date.now() - began) / 1_000;
    if (ahead > 0) await pause(Math.min(200, ahead * 1_000));
    if (!going || (options.total !== undefined && number >= options.total)) return undefined;
    number += 1;
    return number;
  };

  const session = async (port: number) => {
    let client: SmtpClient | undefined;
    for (let mine = await next(); mine !== undefined; mine = await next()) {
      const messageId = `${options.label}.${mine}@outage.test`;
      const to = options.to[mine % options.to.length] ?? '';
      const size = options.size?.(mine) ?? 2_000;
      const since = Date.now();
      attempted.add(messageId);
      const note = (code: number, text: string) => {
        const at = Date.now();
        attempts.push({ messageId, to, size, port, at, tookMs: at - since, code, text });
      };
      try {
        client ??= await SmtpClient.open(port, patience);
        const { recipients, answer } = await client.send({
          from: 'sender@source.test',
          to: [to],
          content: content(messageId, size),
        });
        const [first = answer] = recipients;
        const told = first.code === 250 ? answer : first;
        note(told.code, told.text);
        if (told.code === 421) throw new Error('told to go');
      } catch (error) {
        if (attempts.at(-1)?.messageId !== messageId) note(0, (error as Error).message);
        client?.close();
        client = undefined;
        await pause(50);
      }
    }
    await client?.quit();
  };

  const sessions = Array.from({ length: options.sessions }, (_, index) =>
    session(options.ports[index % options.ports.length] ?? 0),
  );
  const since = (from: number) => attempts.filter(({ at }) => at >= from);
  return {
    attempts,
    attempted,
    promised: (from = 0) => since(from).filter(({ code }) => code === 250),
    refused: (from = 0) => since(from).filter(({ code }) => code !== 250),
    done: Promise.all(sessions),
    async stop() {
      going = false;
      await Promise.all(sessions);
    },
  };
}

/** Lines that do not compress well, so that what is stored takes the space that it seems to take. */
function content(messageId: string, size: number): Buffer {
  const head = `From: sender@source.test\r\nSubject: outage\r\nMessage-ID: <${messageId}>\r\n\r\n`;
  const lines: string[] = [head];
  let state = 1 + [...messageId].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  for (let length = head.length; length < size; length += 66) {
    let line = '';
    while (line.length < 64) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      line += state.toString(36).padStart(7, '0');
    }
    lines.push(`${line.slice(0, 64)}\r\n`);
  }
  return Buffer.from(lines.join(''));
}

/** A place where mail ends: a capture site, or a slow one. */
export interface Place {
  readonly taken: readonly Taken[];
}

/** What was promised against what came. `kills` explain duplicates; without them nothing may come twice. */
export function account(
  mails: readonly Mail[],
  places: readonly Place[],
  kills: readonly Kill[] = [],
): Account {
  const attempted = new Set(mails.flatMap((mail) => [...mail.attempted]));
  const promised = mails
    .flatMap((mail) => mail.promised())
    .map(({ messageId, to, text, at }) => ({
      messageId,
      queueId: /queued as (\S+)/.exec(text)?.[1] ?? '',
      recipients: [to],
      at,
    }));
  const came: Came[] = places.flatMap(({ taken }) =>
    taken
      .filter(({ messageId = '' }) => attempted.has(messageId))
      .flatMap(({ messageId = '', rcpt, at }) =>
        rcpt.map((one) => ({ messageId, recipient: /^<([^>]*)>/.exec(one)?.[1] ?? one, at })),
      ),
  );
  return balance({ attempted, promised, came, kills, closeTo: { before: 50, after: 1_000 } });
}

/** How often each answer was given, for people. */
export function tally(mail: Mail): string {
  const kinds = Map.groupBy(mail.attempts, ({ code, text }) => (code === 0 ? `broken: ${text}` : `${code}`));
  const slowest = Math.max(0, ...mail.attempts.map(({ tookMs }) => tookMs));
  return `${[...kinds].map(([kind, all]) => `${kind} x ${all.length}`).join(', ')}; slowest ${slowest} ms`;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
