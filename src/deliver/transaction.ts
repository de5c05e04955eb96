/**
 * deliver/transaction - one message to some recipients over a ready connection (RFC 5321 §3.3, RFC 2033 §4.2).
 *
 *   [RSET] MAIL RCPT… DATA -> replies -> content -> one reply (SMTP), or one for each accepted recipient (LMTP)
 *
 * With PIPELINING (RFC 2920) all commands go in one write. Each recipient is `answered` by the peer, `next` when the
 * peer takes no more in this transaction (RFC 5321 §4.5.3.1.10: another one follows on the same connection), or open
 * because the conversation ended before: `fault` says why, and another host may be asked.
 *
 * The instant between the final dot and its reply is the one in which a message can double: when the connection is
 * lost there, nobody knows; it is tried again later, and the reply says so.
 */
import { replyFor } from '../mail/condition.ts';
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { Recipient } from '../mail/envelope.ts';
import { isPositive, isTransient, type Reply } from '../mail/reply.ts';
import type { DeliveryTask } from '../ports/delivery-agent.ts';
import { mailCommand, pathText, rcptCommand } from '../protocol/smtp/client-commands.ts';
import type { Connection } from './connection.ts';
import { sendContent } from './data.ts';
import { isGreylisting, ourStatus, PeerFault, statusOfReply } from './fault.ts';
import type { Fitness } from './fitness.ts';
import type { TimeLimits } from './options.ts';

/** For each recipient, in order: a status, `next`, or undefined (open). */
export type Answer = DeliveryStatus | 'next' | undefined;

export interface Outcome {
  readonly answers: readonly Answer[];
  /** The connection is of no use any more. */
  readonly fault?: PeerFault;
  /** The peer said nothing in this transaction, or that it closes: a kept connection had gone stale. */
  readonly silent: boolean;
  /** MAIL was refused for now: not this peer, perhaps another. Recipients stay open. */
  readonly notNow?: Reply;
}

/** Rejects only with what `task.content` threw; the connection is broken then. */
export async function transact(
  task: DeliveryTask,
  recipients: readonly Recipient[],
  fitness: Fitness,
  connection: Connection,
  limits: TimeLimits,
  signal: AbortSignal,
): Promise<Outcome> {
  const transaction = new Conversation(connection, limits, recipients.length);
  const lines = recipients.map((recipient) => {
    const path = pathText(recipient.address, fitness.facts.utf8);
    return path === undefined ? undefined : rcptCommand(path, recipient, connection.offered);
  });
  lines.forEach((line, index) => {
    if (line === undefined) {
      const text = `A UTF-8 address, and ${connection.peer.host} does not offer SMTPUTF8`;
      transaction.answers[index] = ourStatus('failed', 'needsUtf8', text, connection.peer);
    }
  });
  if (lines.some((line) => line !== undefined)) {
    const mail = mailCommand(fitness.senderPath, task.transaction, connection.offered, fitness.facts);
    await transaction.run(mail, lines, task, signal);
  }
  const { fault } = connection.wire;
  const { answers, silent, notNow } = transaction;
  return { answers, silent, ...(fault ? { fault } : {}), ...(notNow ? { notNow } : {}) };
}

class Conversation {
  readonly answers: Answer[];
  silent = true;
  notNow: Reply | undefined;
  readonly #connection: Connection;
  readonly #limits: TimeLimits;
  /** Indexes of recipients whose RCPT was taken. */
  readonly #accepted: number[] = [];

  constructor(connection: Connection, limits: TimeLimits, recipients: number) {
    this.#connection = connection;
    this.#limits = limits;
    this.answers = new Array<Answer>(recipients).fill(undefined);
  }

  async run(
    mail: string,
    lines: readonly (string | undefined)[],
    task: DeliveryTask,
    signal: AbortSignal,
  ): Promise<void> {
    this.#connection.messages += 1;
    const go = this.#connection.offered.pipelining
      ? await this.#pipelined(mail, lines)
      : await this.#stepwise(mail, lines);
    if (!go) return;
    if (this.#accepted.length === 0) {
      // RFC 2920 §3.1: DATA was taken although no recipient was; an empty message ends it.
      this.#connection.wire.send(['.\r\n']);
      await this.#ask(1, this.#limits.dataEnd, 'the end of data');
      return;
    }
    await this.#content(task, signal);
  }

  /** All commands at once. Whether DATA was answered by 354. */
  async #pipelined(mail: string, lines: readonly (string | undefined)[]): Promise<boolean> {
    const { wire } = this.#connection;
    const reset = this.#connection.needsReset;
    const said = lines.flatMap((line, index) => (line === undefined ? [] : [{ line, index }]));
    wire.send([`${reset ? 'RSET\r\n' : ''}${mail}${said.map(({ line }) => line).join('')}DATA\r\n`]);
    this.#connection.needsReset = true;
    const count = said.length + 2 + (reset ? 1 : 0);
    const replies = [...(await this.#ask(count, this.#limits.mail, 'MAIL'))];
    if (reset) this.#isReset(replies.shift());
    const mailReply = replies.shift();
    const data = replies.length > said.length ? replies.pop() : undefined;
    if (mailReply === undefined || this.#closing(mailReply)) return false;
    if (!isPositive(mailReply)) {
      this.#everybody(mailReply);
    } else {
      for (const [at, { index }] of said.entries()) this.#recipient(index, replies[at]);
    }
    return data !== undefined && this.#mayGo(data);
  }

  /** One command at a time, for peers without PIPELINING. */
  async #stepwise(mail: string, lines: readonly (string | undefined)[]): Promise<boolean> {
    if (this.#connection.needsReset) this.#isReset(await this.#say('RSET\r\n', this.#limits.mail, 'RSET'));
    const mailReply = await this.#say(mail, this.#limits.mail, 'MAIL');
    if (mailReply === undefined || this.#closing(mailReply)) return false;
    if (!isPositive(mailReply)) {
      this.#everybody(mailReply);
      return false;
    }
    this.#connection.needsReset = true;
    for (const [index, line] of lines.entries()) {
      if (line === undefined) continue;
      this.#recipient(index, await this.#say(line, this.#limits.rcpt, 'RCPT'));
      if (this.#connection.wire.fault) return false;
    }
    if (this.#accepted.length === 0) return false;
    const data = await this.#say('DATA\r\n', this.#limits.dataStart, 'DATA');
    return data !== undefined && this.#mayGo(data);
  }

  async #content(task: DeliveryTask, signal: AbortSignal): Promise<void> {
    const { wire, target, peer } = this.#connection;
    const sent = await sendContent(task, wire, this.#limits.dataBlock, signal);
    if (sent === 'bare line end') {
      wire.break(new PeerFault('cut', 'the message has a bare CR or LF'));
      this.#accepted.forEach((index) => {
        this.answers[index] = ourStatus('failed', 'badLineEnding', undefined, peer);
      });
      return;
    }
    const expected = target.protocol === 'lmtp' ? this.#accepted.length : 1;
    const replies = await this.#ask(expected, this.#limits.dataEnd, 'the end of data');
    this.#accepted.forEach((index, at) => {
      const reply = replies[target.protocol === 'lmtp' ? at : 0];
      this.#final(index, reply, sent === 'all');
    });
    if (sent !== 'all') wire.break(new PeerFault('closed', 'the peer answered before the end of data'));
    else if (replies.length === expected) this.#connection.needsReset = false;
  }

  /** The answer for one recipient after the end of data. `whole`: the final dot was sent. */
  #final(index: number, reply: Reply | undefined, whole: boolean): void {
    const { peer, offered, target, wire } = this.#connection;
    const unclear = reply === undefined || (this.#closing(reply) && reply.code !== 421);
    if (unclear) {
      if (!whole) return;
      const why = wire.fault?.message ?? 'the connection was lost';
      const text = `${peer.host}: ${why}; it may have the message, which may come twice`;
      this.answers[index] = { outcome: 'later', reply: replyFor('later', 'badConnection', text), peer };
    } else if (reply.code !== 421 && !(isPositive(reply) && !whole)) {
      const final = target.protocol === 'lmtp';
      this.answers[index] = statusOfReply(reply, peer, {
        dsnTakenOver: offered.dsn,
        ...(final ? { final } : {}),
      });
    }
  }

  #recipient(index: number, reply: Reply | undefined): void {
    if (reply === undefined || this.#closing(reply)) return;
    if (isPositive(reply)) this.#accepted.push(index);
    else if (tooMany(reply) && this.#accepted.length > 0) this.answers[index] = 'next';
    else this.answers[index] = statusOfReply(reply, this.#connection.peer);
  }

  /** Whether the content may follow. A refusal of DATA is the answer for everyone who was accepted. */
  #mayGo(data: Reply): boolean {
    if (data.code === 354) return true;
    if (this.#closing(data)) return false;
    if (isPositive(data)) {
      this.#connection.wire.break(new PeerFault('garbage', `DATA is answered by ${data.code}`));
      return false;
    }
    for (const index of this.#accepted) this.answers[index] = statusOfReply(data, this.#connection.peer);
    return false;
  }

  /** MAIL is refused. For now, with the peer's whole trouble (no room, too busy): others are asked; else it is the answer. */
  #everybody(reply: Reply): void {
    if (isTransient(reply) && !isGreylisting(reply)) {
      this.notNow = reply;
      return;
    }
    this.answers.forEach((answer, index) => {
      this.answers[index] = answer ?? statusOfReply(reply, this.#connection.peer);
    });
  }

  /**
   * The conversation ends with this reply, and recipients stay open: 421, wherever it is said (RFC 5321 §3.8), or a 3yz
   * where none belongs.
   */
  #closing(reply: Reply): boolean {
    if (reply.code === 421) {
      this.#connection.wire.break(new PeerFault('closed', 'the peer is closing', reply));
    } else if (reply.code < 400 && reply.code >= 300) {
      this.#connection.wire.break(new PeerFault('garbage', `the peer says ${reply.code} out of place`));
    } else return false;
    return true;
  }

  #isReset(reply: Reply | undefined): void {
    if (reply && isPositive(reply)) this.#connection.needsReset = false;
    else if (reply) this.#connection.wire.break(new PeerFault('closed', 'RSET is refused', reply));
  }

  async #say(line: string, limit: number, doing: string): Promise<Reply | undefined> {
    this.#connection.wire.send([line]);
    return (await this.#ask(1, limit, doing))[0];
  }

  async #ask(count: number, limit: number, doing: string): Promise<readonly Reply[]> {
    const replies = await this.#connection.wire.replies(count, limit, doing);
    if (replies[0] && replies[0].code !== 421) this.silent = false;
    return replies;
  }
}

/** 452 4.5.3, and its older forms: this recipient is welcome in another transaction (RFC 5321 §4.5.3.1.10). */
const tooMany = (reply: Reply): boolean =>
  (reply.code === 452 || reply.code === 552) &&
  (reply.enhanced === undefined
    ? reply.lines.some((line) => /too many/i.test(line))
    : reply.enhanced.endsWith('.5.3'));
