/**
 * receive/content-commands - DATA (RFC 5321 §4.1.1.4) and BDAT (RFC 3030): the message itself, and its answer.
 */
import { asMailError, MailError } from '../mail/condition.ts';
import type { Reply } from '../mail/reply.ts';
import { DirectoryUnready } from '../ports/directory.ts';
import { DataDecoder } from '../protocol/smtp/data.ts';
import { badValue } from '../protocol/smtp/parameters.ts';
import { printReceived, withKeyword } from '../protocol/smtp/received.ts';
import type { Sink } from './command-stream.ts';
import type { Connection, Transaction } from './connection.ts';
import { isSmuggling, Message } from './message.ts';
import { queued, replies } from './replies.ts';

export function data(session: Connection, argument: string): void {
  if (argument !== '') throw new MailError('never', 'badSyntax', { text: 'DATA takes no argument' });
  const { transaction } = session;
  if (transaction === undefined) throw new MailError('never', 'badSequence');
  const message = begin(session, transaction);
  session.say(replies.content);
  session.stream?.receive(new DataSink(message), (done) => settle(session, transaction, message, done));
}

export function bdat(session: Connection, argument: string): void {
  const match = /^(\d{1,20})( LAST)?$/i.exec(argument);
  const size = Number(match?.[1]);
  if (match === null || !Number.isSafeInteger(size)) {
    // Nobody knows where the next command begins.
    const error = badValue('Syntax: BDAT size [LAST]');
    session.hangUp(error.reply);
    return;
  }
  const last = match[2] !== undefined;
  const { transaction } = session;
  const receivable = transaction !== undefined && transaction.recipients.size > 0;
  const message = receivable ? (transaction.message ?? begin(session, transaction)) : undefined;
  session.stream?.receive(new ChunkSink(message, size), (done) => {
    if (!receivable || message === undefined) {
      session.fail(new MailError('never', 'badSequence', { text: 'No valid recipients' }));
      done();
    } else if (last) {
      settle(session, transaction, message, done);
    } else {
      session.say({ code: 250, enhanced: '2.0.0', lines: [`${size} octets received`] });
      done();
    }
  });
}

function begin(session: Connection, transaction: Transaction): Message {
  const { options, deps, ownNames } = session.setting;
  const { size: _declared, ...mail } = transaction.mail;
  const { client } = session.who;
  const recipients = [...transaction.recipients.values()];
  const message = new Message({
    options,
    ownNames,
    deps,
    envelope: { ...mail, recipients },
    client,
    signal: session.signal,
    trace: (id, date) =>
      printReceived({
        helo: client.helo ?? 'unknown',
        ip: client.ip,
        ...(client.name === undefined ? {} : { name: client.name }),
        ...(client.tls === undefined ? {} : { tls: client.tls }),
        by: options.hostname,
        with: withKeyword({
          lmtp: options.protocol === 'lmtp',
          extended: session.who.extended,
          utf8: mail.smtputf8,
          tls: client.tls !== undefined,
          authenticated: client.account !== undefined,
        }),
        id,
        ...(client.site === undefined ? {} : { site: client.site }),
        ...(recipients.length === 1 && recipients[0] ? { for: recipients[0].address.text } : {}),
        date,
      }),
  });
  transaction.message = message;
  return message;
}

/** The end of the content: 250 once the spool has it, else why not; with LMTP once for each recipient (RFC 2033 §4.2). */
function settle(session: Connection, transaction: Transaction, message: Message, done: () => void): void {
  answer(session, transaction, message, done).catch((error: unknown) => {
    session.fail(error);
    session.close();
  });
}

async function answer(
  session: Connection,
  transaction: Transaction,
  message: Message,
  done: () => void,
): Promise<void> {
  session.answering(true);
  const reply = await outcome(session, transaction, message);
  if (session.setting.options.protocol === 'lmtp') sayToEach(session, transaction, reply);
  else session.say(reply.reply);
  transaction.message = undefined;
  session.messages++;
  if (reply.hangUp) session.close();
  else session.resetTransaction();
  session.answering(false);
  session._whenWritable(done);
}

interface Outcome {
  readonly reply: Reply;
  /** By the recipient's key, where each has one of his own. */
  readonly each?: ReadonlyMap<string, Reply>;
  readonly hangUp: boolean;
}

/** In the order of the RCPTs, one for each of them (RFC 2033 §4.2). */
function sayToEach(session: Connection, { accepted }: Transaction, { reply, each }: Outcome): void {
  for (const key of accepted) {
    const own = each?.get(key) ?? reply;
    session.say(own);
    if (own.code >= 400 && own !== reply) session.count(own);
  }
}

async function outcome(session: Connection, transaction: Transaction, message: Message): Promise<Outcome> {
  const { deps } = session.setting;
  const since = deps.now().getTime();
  try {
    const replies = await message.end();
    const size = message.facts?.size ?? 0;
    deps.metrics.observe('isthmus_accept_seconds', (deps.now().getTime() - since) / 1000);
    session.setting.log.info(
      {
        queueId: message.id,
        ip: session.ip,
        sender: transaction.mail.sender?.text ?? '',
        recipients: transaction.recipients.size,
        size,
      },
      'accepted',
    );
    const reply = queued(message.id);
    if (replies === undefined) return { reply, hangUp: false };
    const keys = [...transaction.recipients.keys()];
    return { reply, each: new Map(replies.map((own, at) => [keys[at] ?? '', own])), hangUp: false };
  } catch (thrown) {
    return { reply: refused(session, transaction, message, thrown), hangUp: isSmuggling(thrown) };
  }
}

function refused(session: Connection, transaction: Transaction, message: Message, thrown: unknown): Reply {
  const { deps, log } = session.setting;
  const error =
    thrown instanceof DirectoryUnready
      ? new MailError('later', 'directoryTrouble', { cause: thrown })
      : asMailError(thrown);
  const { reply } = error;
  const { because = [error.condition] } = error.facts as { because?: readonly string[] };
  const facts = { ip: session.ip, sender: transaction.mail.sender?.text ?? '', reply: reply.lines[0] };
  if (error.verdict === 'later') log.warn({ ...facts, err: error.cause }, 'message put off');
  else log.info(facts, 'message refused');
  session.count(reply);
  deps.trace.record({
    at: deps.now(),
    event: 'refused',
    queueId: message.id,
    because,
    detail: {
      reply,
      sender: transaction.mail.sender?.text ?? '',
      client: session.who.client,
      recipients: [...transaction.recipients.values()].map(({ address }) => address.text),
    },
  });
  return reply;
}

class DataSink implements Sink {
  ended = false;
  readonly #decoder = new DataDecoder();
  readonly #message: Message;

  constructor(message: Message) {
    this.#message = message;
  }

  take(chunk: Buffer): number {
    const { content, used, ended } = this.#decoder.decode(chunk);
    this.#message.write(content);
    this.ended = ended;
    return used;
  }

  get full(): boolean {
    return this.#message.full;
  }

  onceReady(resume: () => void): void {
    this.#message.onceReady(resume);
  }
}

/** Just so many octets; into nothing where there is no message for them. */
class ChunkSink implements Sink {
  readonly #message: Message | undefined;
  #left: number;

  constructor(message: Message | undefined, size: number) {
    this.#message = message;
    this.#left = size;
  }

  get ended(): boolean {
    return this.#left === 0;
  }

  take(chunk: Buffer): number {
    const used = Math.min(this.#left, chunk.length);
    this.#left -= used;
    this.#message?.write(chunk.subarray(0, used));
    return used;
  }

  get full(): boolean {
    return this.#message?.full ?? false;
  }

  onceReady(resume: () => void): void {
    if (this.#message === undefined) resume();
    else this.#message.onceReady(resume);
  }
}
