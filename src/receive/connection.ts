/**
 * receive/connection - one client's session.
 *
 * A subclass of smtp-server's connection. From there come the socket's life (close, half-close, idle time-out),
 * STARTTLS with its retired parser, and back-pressure on replies; the commands, their grammar, the replies and
 * the message are ours. test/receive/smtp-server-contract.test.ts holds what is relied on.
 *
 *   connect -> greeting -> HELO/EHLO/LHLO -> MAIL -> RCPT … -> DATA or BDAT … -> MAIL …
 *
 * Replies go out in the order of the commands. RCPTs that were sent together are looked up together: the next one is read
 * while the answers are awaited; any other command waits for them.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { asMailError, MailError, replyFor } from '../mail/condition.ts';
import type { ClientTls, Recipient } from '../mail/envelope.ts';
import { printReply, type Reply } from '../mail/reply.ts';
import { parseCommandLine } from '../protocol/smtp/command-line.ts';
import type { MailCommand } from '../protocol/smtp/mail-command.ts';
import { printReplyLines } from '../protocol/smtp/reply-printer.ts';
import type { Xclient } from '../protocol/smtp/xclient.ts';
import { CommandStream, type LineTrouble } from './command-stream.ts';
import { findCommand, whyNotNow } from './commands.ts';
import { Identity } from './identity.ts';
import type { Message } from './message.ts';
import { tlsFacts } from './recognise.ts';
import { replies } from './replies.ts';
import type { ReceiveServer, Setting } from './server.ts';

/** What MAIL began. */
export interface Transaction {
  readonly mail: MailCommand;
  /** By address, so that a repeated one gets one copy; what was said last holds. */
  readonly recipients: Map<string, Recipient>;
  /** Keys of RCPTs answered with 250, in order, repeated ones too: LMTP owes a reply for each (RFC 2033 §4.2). */
  readonly accepted: string[];
  /** Being received: all of DATA, or BDAT between its chunks. */
  message: Message | undefined;
}

/** Replies are written together, but no more than this waits for the end of the round. */
const replyBuffer = 16_384;
/** Of one connection. */
const lookupsAtOnce = 100;

export class Connection extends SMTPConnection {
  transaction: Transaction | undefined;
  messages = 0;
  refusedRecipients = 0;
  /** Takes the next line instead of a command (AUTH). */
  continuation: ((line: Buffer) => void | Promise<void>) | undefined;
  readonly connectedAt: number;
  readonly who: Identity;
  readonly #onleave: () => void;
  /** The TLS socket as soon as there is one, also while `_socket` is still the one below. */
  #top: Socket;
  #errors = 0;
  #out = '';
  #flushDue = false;
  #answers: Promise<void> = Promise.resolve();
  #awaited = 0;
  #abort = new AbortController();
  /** Since when the client owes us input; undefined while we owe an answer. */
  #clientsTurn: number | undefined;
  #lookupsSince: number | undefined;
  #draining = false;

  constructor(server: ReceiveServer, socket: Socket, ip: string, port: number, onleave: () => void) {
    super(server, socket, { remoteAddress: ip, remotePort: port });
    this.who = new Identity(ip, this);
    this.#onleave = onleave;
    this.#top = socket;
    this.connectedAt = this.setting.deps.now().getTime();
  }

  get setting(): Setting {
    return (this._server as ReceiveServer).setting;
  }

  get ip(): string {
    return this.who.ip;
  }

  /** Aborts when the client is gone or an answer takes too long. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stream(): CommandStream | undefined {
    return this._parser instanceof CommandStream ? this._parser : undefined;
  }

  // ---- life

  override init(): void {
    this.who.askName();
    this._setListeners(() => {
      this._resetSession();
      const { delay } = this.setting.options.greeting;
      if (delay === 0) return this.#begin();
      this.stream?.hold();
      setTimeout(() => this.#begin(), delay);
    });
  }

  #begin(): void {
    if (this._closing || this._closed) return;
    // RFC 5321 §4.3.1: the client waits for the greeting. Who does not has no time to lose.
    if (this.setting.options.greeting.earlyTalkers === 'refuse' && this.stream?.hasInput === true) {
      this.hangUp(replies.earlyTalker);
      return;
    }
    this.#greet();
    this.stream?.release();
  }

  #greet(): void {
    const { hostname, greeting, protocol } = this.setting.options;
    const words = [hostname, protocol === 'lmtp' ? 'LMTP' : 'ESMTP', greeting.text].filter(
      (word) => word !== '',
    );
    this.say({ code: 220, lines: [words.join(' ')] });
    this.#clientsTurn = this.setting.deps.now().getTime();
  }

  /** Called by the base class while it is being constructed, and again for the TLS session. */
  override _createParser(): CommandStream {
    const { options } = (this._server as ReceiveServer).setting;
    const stream = new CommandStream({
      lineLimit: options.limits.commandLine,
      bareLf: options.content.lineEndings === 'normalise',
      ontrouble: (trouble, done) => this.#lineTrouble(trouble, done),
    });
    stream.oncommand = (line, done) => this._onCommand(line, done);
    // The client has closed its side and everything it sent was answered.
    stream.on('finish', () => {
      if (this._parser === stream) this.close();
    });
    return stream;
  }

  override upgrade(callback: () => void, secureCallback?: () => void): void {
    this.#flush();
    super.upgrade(callback, secureCallback);
  }

  /** Also what TLS begins with: all that was said in the clear is forgotten (RFC 3207 §4.2). */
  override _resetSession(): void {
    super._resetSession();
    this.who.forget();
    this.resetTransaction();
  }

  /** RSET, EHLO, and the end of each message. */
  resetTransaction(): void {
    this.transaction?.message?.refuse(
      new MailError('later', 'badSequence', { text: 'Transaction was reset' }),
    );
    this.transaction = undefined;
    if (this.#draining) this.hangUp(replyFor('later', 'shuttingDown'));
  }

  override close(): void {
    this.#flush();
    if (this._upgrading) this.destroy();
    else super.close();
  }

  /** At once. Never the socket below a TLS one: a handshake must not lose the ground under it. */
  destroy(): void {
    this.#top.destroy();
  }

  /** The base class arms each socket it takes, the TLS one before its handshake. */
  override _armTimeout(socket: Socket = this._socket): void {
    this.#top = socket;
    super._armTimeout(socket);
  }

  override _onClose(): void {
    if (!this._closed) this.#onleave();
    const gone = new MailError('later', 'badConnection', { text: 'The client went away' });
    this.#abort.abort(gone);
    this.transaction?.message?.refuse(gone);
    super._onClose();
  }

  override _onError(error: Error): void {
    this.setting.log.debug({ ip: this.ip, err: error.message }, 'connection failed');
    this.close();
  }

  /** Ends the session with a reply. */
  hangUp(reply: Reply): void {
    if (this._closing || this._closed) return;
    this.say(reply);
    if (reply.code >= 400) {
      this.count(reply);
      this.setting.log.info({ ip: this.ip, reply: printReply(reply) }, 'session ended');
    }
    this.close();
  }

  /** No new transaction; the one under way may end. */
  drain(): void {
    this.#draining = true;
    if (this.transaction === undefined) this.hangUp(replyFor('later', 'shuttingDown'));
  }

  // ---- replies

  say(reply: Reply): void {
    // While the handshake runs, an octet in the clear would break it.
    if (this._upgrading) return;
    this.#out += printReplyLines(reply, this.transaction?.mail.smtputf8);
    if (this.#out.length > replyBuffer) this.#flush();
    if (this.#flushDue || this.#out === '') return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    const out = this.#out;
    this.#out = '';
    if (out !== '' && this._socket.writable && !this._upgrading) this._socket.write(out);
  }

  /** What the base class has to say: time-outs and STARTTLS. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const enhanced = this._getEnhancedStatusCode(code, context);
    this.say({ code, ...(enhanced === '' ? {} : { enhanced }), lines: [data ?? ''].flat() });
    if (code === 421) this.close();
  }

  /** Says the condition, counts it, and ends the session when there were too many. */
  fail(thrown: unknown): void {
    const error = asMailError(thrown);
    if (!(thrown instanceof MailError)) {
      this.setting.log.error({ ip: this.ip, err: thrown }, 'command failed');
    }
    this.say(error.reply);
    this.count(error.reply);
    if (error.reply.code === 421 || error.reply.code === 521) this.close();
    else if (error.verdict === 'never') this.countError();
  }

  countError(): void {
    const { errors } = this.setting.options.limits;
    if (errors > 0 && ++this.#errors >= errors) this.hangUp(replyFor('later', 'tooManyErrors'));
  }

  /** For the metrics. */
  count(reply: Reply): void {
    const { deps, options } = this.setting;
    deps.metrics.count('isthmus_refusals_total', { listener: options.name, code: String(reply.code) });
  }

  /** A reply that comes in its turn, while further RCPTs are read. Never rejects. */
  answerLater(reply: Promise<Reply>, after: () => void = () => {}): void {
    this.#awaited++;
    this.#lookupsSince ??= this.setting.deps.now().getTime();
    this.#answers = this.#answers.then(async () => {
      const said = await reply;
      if (--this.#awaited === 0) this.#lookupsSince = undefined;
      this.say(said);
      after();
    });
  }

  get awaited(): number {
    return this.#awaited;
  }

  /** Resolves when every reply promised so far was said. */
  answered(): Promise<void> {
    return this.#answers;
  }

  // ---- commands

  override _onCommand(line: Buffer, callback?: () => void): void {
    const next = callback ?? (() => {});
    if (this._upgrading || this._closing) {
      next();
      return;
    }
    this.#clientsTurn = undefined;
    this._handlerPending = true;
    const done = () => {
      this._handlerPending = false;
      this.#clientsTurn = this.setting.deps.now().getTime();
      this._whenWritable(next);
    };
    try {
      const work = this.#perform(line);
      if (work === undefined) done();
      else work.catch((error: unknown) => this.fail(error)).then(done);
    } catch (error) {
      this.#failInTurn(error).then(done);
    }
  }

  /** Behind the answers that are awaited. */
  async #failInTurn(error: unknown): Promise<void> {
    if (this.#awaited > 0) await this.answered();
    this.fail(error);
  }

  #perform(line: Buffer): void | Promise<void> {
    const { continuation } = this;
    if (continuation !== undefined) {
      this.continuation = undefined;
      return continuation(line);
    }
    const { verb, argument } = parseCommandLine(line);
    const command = findCommand(verb, this.setting.options.protocol === 'lmtp');
    const run = (): void | Promise<void> => {
      if (this._closing) return;
      if (command === undefined) throw new MailError('never', 'badCommand');
      const why = whyNotNow(command, this);
      if (why !== undefined) throw why;
      return command.run(this, argument);
    };
    if (command === undefined && isHttp(verb)) return this.hangUp(replies.http);
    if (this.#awaited === 0 || (command?.together === true && this.#hasRoom)) return run();
    return this.answered().then(run);
  }

  /** For one more recipient whose answer is awaited: in bounds, and without guessing at the limit. */
  get #hasRoom(): boolean {
    const promised = (this.transaction?.accepted.length ?? 0) + this.#awaited;
    return this.#awaited < lookupsAtOnce && promised < this.setting.options.limits.recipients;
  }

  #lineTrouble(trouble: LineTrouble, done: () => void): void {
    const text = trouble === 'tooLong' ? 'Line too long' : 'Lines must end with CRLF';
    if (this._closing || this._upgrading) done();
    else this.#failInTurn(new MailError('never', 'lineTooLong', { text })).then(done);
  }

  // ---- who

  /** HELO, EHLO or LHLO: like RSET, and we know whom we speak to. */
  greeted(helo: string, verb: string): void {
    this.resetTransaction();
    this.hostNameAppearsAs = helo;
    this.openingCommand = verb;
    this.who.greeted();
  }

  /** XCLIENT: the session begins anew, with a greeting. */
  become(client: Xclient): void {
    this._resetSession();
    this.hostNameAppearsAs = false;
    this.who.become(client);
    this.#greet();
  }

  get tlsFacts(): ClientTls | undefined {
    return this.secure && this._socket instanceof TLSSocket ? tlsFacts(this._socket) : undefined;
  }

  // ---- time

  /** Called about once a second. */
  sweep(now: number): void {
    const { limits } = this.setting.options;
    if (this._closing || this._closed) return;
    const since = this.#clientsTurn;
    if (this._upgrading) {
      if (now - (since ?? this.connectedAt) > limits.commandTime) this.destroy();
      return;
    }
    if (this.#lookupsSince !== undefined && now - this.#lookupsSince > limits.lookupTime) {
      this.#lookupsSince = now;
      this.#abort.abort(new MailError('later', 'localError', { text: 'No answer in time, try again later' }));
      this.#abort = new AbortController();
    }
    const message = this.transaction?.message;
    if (message !== undefined && !this._handlerPending) this.#sweepMessage(message, now);
    else if (since !== undefined && now - since > limits.commandTime)
      this.hangUp(replyFor('later', 'timedOut'));
  }

  #sweepMessage(message: Message, now: number): void {
    const { limits } = this.setting.options;
    const took = now - message.startedAt;
    const slow = took > 60_000 && message.octets < (limits.dataRate * took) / 1000;
    if (message.isHopeless) this.hangUp(replyFor('never', 'messageTooBig'));
    else if (took > limits.dataTime || slow)
      this.hangUp(replyFor('later', 'timedOut', 'Message came too slowly'));
  }

  /** The content is complete and the answer is ours to give: no time limit of the client's runs. */
  answering(yes: boolean): void {
    this._handlerPending = yes;
    this.#clientsTurn = yes ? undefined : this.setting.deps.now().getTime();
  }
}

/** A browser that was made to speak to us, by somebody else's page. */
const isHttp = (verb: string): boolean => /^(?:GET|POST|PUT|HEAD|DELETE|OPTIONS|TRACE|CONNECT)$/.test(verb);
