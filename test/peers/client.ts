/**
 * peers/client - an SMTP client of our own that sends exactly the octets it is told to.
 *
 * For what swaks and smtp-source do not do: odd octets, ledgers, thousands of messages over kept sessions.
 */
import { connect, type Socket } from 'node:net';
import { asData } from '../fixture/messages.ts';

export interface Answer {
  readonly code: number;
  /** All lines of the reply, code and all. */
  readonly text: string;
}

export interface Outgoing {
  /** Without angle brackets; empty for the null reverse-path. */
  readonly from: string;
  readonly to: readonly string[];
  /** CRLF lines, dots not stuffed. */
  readonly content: Buffer;
  /** After `MAIL FROM:<…>`: `BODY=8BITMIME`, … */
  readonly mailParameters?: string;
  /** After each `RCPT TO:<…>`. */
  readonly rcptParameters?: string;
}

export interface Sent {
  readonly recipients: readonly Answer[];
  /** Of the end of data; of MAIL or DATA when it did not come so far. */
  readonly answer: Answer;
}

export class SmtpClient {
  readonly #socket: Socket;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  readonly #answers: Answer[] = [];
  #rest = '';
  #lines: string[] = [];
  #error: Error | undefined;

  /** Connects, reads the greeting, says EHLO. Time limit of each reply: `within` milliseconds. */
  static async open(port: number, within = 60_000, helo = 'client.test'): Promise<SmtpClient> {
    const client = new SmtpClient(connect({ port, host: '127.0.0.1', noDelay: true }), within);
    const greeting = await client.answer();
    if (greeting.code !== 220) throw new Error(`greeting: ${greeting.text}`);
    await client.say(`EHLO ${helo}`);
    return client;
  }

  private constructor(socket: Socket, within: number) {
    this.#socket = socket;
    socket.setTimeout(within, () => socket.destroy(new Error(`no answer within ${within / 1000} s`)));
    socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection is closed')));
  }

  /** One command, one reply. */
  say(line: string): Promise<Answer> {
    this.#socket.write(`${line}\r\n`);
    return this.answer();
  }

  /** Octets as they are; replies are asked for by answer(). */
  write(octets: Buffer | string): void {
    this.#socket.write(octets);
  }

  /** The next reply. */
  answer(): Promise<Answer> {
    const known = this.#answers.shift();
    if (known !== undefined) return Promise.resolve(known);
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** One transaction, MAIL, RCPT and DATA in one write (RFC 2920). Ready for the next one afterwards. */
  async send(mail: Outgoing): Promise<Sent> {
    const mailLine = `MAIL FROM:<${mail.from}>${suffix(mail.mailParameters)}`;
    const rcptLines = mail.to.map((to) => `RCPT TO:<${to}>${suffix(mail.rcptParameters)}`);
    this.write(Buffer.from([mailLine, ...rcptLines, 'DATA', ''].join('\r\n')));
    const mailAnswer = await this.answer();
    const recipients: Answer[] = [];
    for (const _ of mail.to) recipients.push(await this.answer());
    const dataAnswer = await this.answer();
    if (dataAnswer.code !== 354) {
      await this.say('RSET');
      return { recipients, answer: mailAnswer.code < 300 ? dataAnswer : mailAnswer };
    }
    this.write(asData(mail.content));
    return { recipients, answer: await this.answer() };
  }

  async quit(): Promise<void> {
    await this.say('QUIT').catch(() => {});
    this.#socket.destroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#lines.push(line);
      if (line[3] === '-') continue;
      const answer = { code: Number(line.slice(0, 3)), text: this.#lines.join('\n') };
      this.#lines = [];
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(answer);
      else this.#answers.push(answer);
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#error);
  }
}

const suffix = (parameters: string | undefined): string => (parameters === undefined ? '' : ` ${parameters}`);
