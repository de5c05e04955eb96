/**
 * A client that says exactly what it is told, octet by octet, and reads whole replies.
 */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

export class Talk {
  #socket: Socket | TLSSocket;
  #text = '';
  #ended = false;
  #failed: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket | TLSSocket) {
    this.#socket = socket;
    this.#listen();
  }

  static to(port: number, localAddress = '127.0.0.1'): Talk {
    return new Talk(connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true }));
  }

  static tls(port: number, options: ConnectionOptions = {}): Talk {
    return new Talk(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }));
  }

  #listen(): void {
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (chunk) => {
      this.#text += chunk;
      this.#wake?.();
    });
    this.#socket.on('error', (error) => {
      this.#failed = error;
      this.#wake?.();
    });
    const ended = () => {
      this.#ended = true;
      this.#wake?.();
    };
    this.#socket.on('end', ended);
    this.#socket.on('close', ended);
  }

  /** As it is. */
  write(text: string | Buffer): this {
    if (this.#socket.writable) this.#socket.write(text);
    return this;
  }

  /** The client's side is closed. */
  end(): this {
    this.#socket.end();
    return this;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get socket(): Socket | TLSSocket {
    return this.#socket;
  }

  /** The next line without its CRLF; undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      if (this.#ended || this.#failed !== undefined) return undefined;
      await this.#news();
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer; so far: ${JSON.stringify(this.#text)}`)),
        10_000,
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** The next reply, all its lines; '' when the server has closed. */
  async reply(): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === undefined) return lines.join('\n');
      lines.push(line);
      if (/^\d{3}(?: |$)/.test(line)) return lines.join('\n');
    }
  }

  /** Writes a line and reads the reply. */
  async say(line: string): Promise<string> {
    return this.write(`${line}\r\n`).reply();
  }

  /** Everything until the server closes. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    return lines;
  }

  /** Waits for the other side's close. */
  async closed(): Promise<void> {
    while (!this.#ended && this.#failed === undefined) await this.#news();
  }

  /** The handshake, after the server said 220 to STARTTLS. */
  async startTls(options: ConnectionOptions = {}): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
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
