/**
 * access/imap-talk - a client of IMAP that says exactly what it is told, and reads whole responses, literals within them.
 */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

const patience = 10_000;

export class ImapTalk {
  #socket: Socket;
  #text = '';
  #isOver = false;
  #wake: (() => void) | undefined;
  #tags = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static to(port: number): ImapTalk {
    return new ImapTalk(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  }

  static tls(port: number, options: ConnectionOptions = {}): ImapTalk {
    return new ImapTalk(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }));
  }

  #listen(): void {
    const over = () => {
      this.#isOver = true;
      this.#wake?.();
    };
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake?.();
    });
    this.#socket.on('error', over);
    this.#socket.on('end', over);
    this.#socket.on('close', over);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Octets of a string one for each character. */
  write(text: string | Buffer): this {
    if (typeof text === 'string') this.#socket.write(text, 'latin1');
    else this.#socket.write(text);
    return this;
  }

  end(): this {
    this.#socket.end();
    return this;
  }

  /** The next response without its line end, with the literals in it; undefined when the server has closed. */
  async response(): Promise<string | undefined> {
    let at = 0;
    for (;;) {
      const end = this.#text.indexOf('\r\n', at);
      if (end < 0) {
        if (this.#isOver) return undefined;
        await this.#news();
        continue;
      }
      const literal = /\{(\d+)\}$/.exec(this.#text.slice(at, end));
      if (literal === null) {
        const response = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return response;
      }
      at = end + 2 + Number(literal[1]);
      while (this.#text.length < at) {
        if (this.#isOver) return undefined;
        await this.#news();
      }
    }
  }

  async #news(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer; so far: ${JSON.stringify(this.#text.slice(0, 1000))}`)),
        patience,
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  async greeting(): Promise<string> {
    const greeting = await this.response();
    if (greeting === undefined) throw new Error('no greeting');
    return greeting;
  }

  /** Writes a command with a tag of its own. */
  begin(command: string): string {
    const tag = `a${++this.#tags}`;
    this.write(`${tag} ${command}\r\n`);
    return tag;
  }

  /** All responses up to the tagged one, which is the last; its tag is left out. */
  async until(tag: string): Promise<string[]> {
    const responses: string[] = [];
    for (;;) {
      const response = await this.response();
      if (response === undefined) return responses;
      if (response.startsWith(`${tag} `)) return [...responses, response.slice(tag.length + 1)];
      responses.push(response);
    }
  }

  /** Says a command and reads all that it brings. */
  async say(command: string): Promise<string[]> {
    return await this.until(this.begin(command));
  }

  /** Untagged responses of a command that is answered with OK. */
  async ok(command: string): Promise<string[]> {
    const responses = await this.say(command);
    const last = responses.pop();
    if (last?.startsWith('OK') !== true)
      throw new Error(`${command.slice(0, 200)}: ${last ?? 'closed'} after ${responses.join(' / ')}`);
    return responses;
  }

  /** The tagged answer alone. */
  async answer(command: string): Promise<string> {
    return (await this.say(command)).at(-1) ?? 'closed';
  }

  /** Appends with a literal that is not asked for. */
  async append(mailbox: string, message: string, more = ''): Promise<string> {
    const size = Buffer.byteLength(message, 'latin1');
    return await this.answer(`APPEND ${mailbox} ${more === '' ? '' : `${more} `}{${size}+}\r\n${message}`);
  }

  /** Everything until the server closes. */
  async rest(): Promise<string[]> {
    const responses: string[] = [];
    for (let one = await this.response(); one !== undefined; one = await this.response()) responses.push(one);
    return responses;
  }

  async startTls(options: ConnectionOptions = {}): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...options });
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
    });
    this.#socket = secure;
    this.#text = '';
    this.#listen();
  }
}
