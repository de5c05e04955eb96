/**
 * torture/load - clients that keep sending, whatever happens to the server, and keep a ledger of its promises.
 */
import { SmtpClient } from '../peers/client.ts';
import type { Promised } from './ledger.ts';

export interface LoadOptions {
  readonly port: number;
  readonly sessions: number;
  /** Messages a second in all: the backlog must be able to drain between kills. */
  readonly rate: number;
  readonly domains: readonly string[];
  /** Two recipients, one for each of two domains, in every so many-th message. */
  readonly mixedEvery: number;
  /** Distinguishes the messages of this run. */
  readonly label: string;
}

export interface Load {
  readonly attempted: ReadonlySet<string>;
  readonly promised: readonly Promised[];
  /** Ends after what is under way. */
  stop(): Promise<void>;
}

/** Longest wait for a reply: a server that was killed closes the connection, one that hangs is given up. */
const patience = 20_000;

export function startLoad(options: LoadOptions): Load {
  const attempted = new Set<string>();
  const promised: Promised[] = [];
  const began = Date.now();
  let number = 0;
  let going = true;

  const session = async () => {
    let client: SmtpClient | undefined;
    while (going) {
      const ahead = number / options.rate - (Date.now() - began) / 1_000;
      if (ahead > 0) await pause(Math.min(200, ahead * 1_000));
      if (!going) break;
      number += 1;
      const mine = number;
      try {
        client ??= await SmtpClient.open(options.port, patience);
        const promise = await one(client, mine, options, attempted);
        if (promise !== undefined) promised.push(promise);
      } catch {
        client?.close();
        client = undefined;
        await pause(50);
      }
    }
    await client?.quit();
  };

  const sessions = Array.from({ length: options.sessions }, session);
  return {
    attempted,
    promised,
    async stop() {
      going = false;
      await Promise.all(sessions);
    },
  };
}

async function one(
  client: SmtpClient,
  number: number,
  options: LoadOptions,
  attempted: Set<string>,
): Promise<Promised | undefined> {
  const messageId = `${options.label}.${number}@torture.test`;
  const domains = options.domains.filter(
    (_, at) => number % options.mixedEvery === 0 || number % options.domains.length === at,
  );
  const to = domains.map((domain) => `r${number % 50}@${domain}`);
  attempted.add(messageId);
  const begun = Date.now();
  const sent = await client.send({ from: 'sender@source.test', to, content: content(messageId, number) });
  if (sent.answer.code !== 250) {
    if (sent.answer.code === 421) client.close();
    return undefined;
  }
  const recipients = to.filter((_, at) => sent.recipients[at]?.code === 250);
  const queueId = /queued as (\S+)/.exec(sent.answer.text)?.[1] ?? '';
  return { messageId, queueId, recipients, begun, at: Date.now() };
}

/** Most are small; every tenth is larger than what travels inside a database row. */
function content(messageId: string, number: number): Buffer {
  const lines = number % 10 === 0 ? 3_000 : 20;
  const head = `From: sender@source.test\r\nSubject: ${number}\r\nMessage-ID: <${messageId}>\r\n\r\n`;
  return Buffer.from(head + `${'0123456789abcdef'.repeat(4)}\r\n`.repeat(lines));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
