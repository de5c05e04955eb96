/**
 * bench/imap-client - an IMAP client that does nothing but send a command and wait for its tagged answer.
 */
import { connect, type Socket } from 'node:net';

/** Octets of a tagged answer; that of LOGIN names all capabilities. */
const longestEnd = 4_096;

export class ImapClient {
  readonly #socket: Socket;
  #tail = Buffer.alloc(0);
  #tags = 0;
  #octets = 0;
  #waiting: { readonly end: RegExp; readonly done: (tail: string) => void } | undefined;
  #failed: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    for (const event of ['error', 'close'] as const) {
      socket.on(event, () => {
        this.#failed ??= new Error('the server has closed the connection');
      });
    }
  }

  static async open(port: number): Promise<ImapClient> {
    const client = new ImapClient(connect({ port, host: '127.0.0.1', noDelay: true }));
    await client.until(/^\* (OK|PREAUTH)[^\r]*\r\n$/m);
    return client;
  }

  /** Octets received so far. */
  get octets(): number {
    return this.#octets;
  }

  /** Milliseconds until it was answered OK. */
  async run(command: string): Promise<number> {
    const tag = `t${++this.#tags}x`;
    const began = performance.now();
    const answered = this.until(new RegExp(`(?:^|\\n)${tag} [^\\r\\n]*\\r\\n$`));
    this.#socket.write(`${tag} ${command}\r\n`);
    const answer = await answered;
    if (!answer.includes(`${tag} OK`)) throw new Error(`${command.slice(0, 60)}: ${answer.trim()}`);
    return performance.now() - began;
  }

  /** A command that goes on until `end` has come: IDLE. Its continuation has come when this resolves. */
  async begin(command: string): Promise<void> {
    const answered = this.until(/\+ [^\r\n]*\r\n$/);
    this.#socket.write(`i${++this.#tags}x ${command}\r\n`);
    await answered;
  }

  /** The end of what was received, when it matches. */
  until(end: RegExp): Promise<string> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(this.#failed ?? new Error('closed'));
      this.#socket.once('close', fail);
      this.#waiting = {
        end,
        done: (tail) => {
          this.#socket.off('close', fail);
          resolve(tail);
        },
      };
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Only the end is looked at: tagged answers are short. */
  #take(chunk: Buffer): void {
    this.#octets += chunk.length;
    const joined = chunk.length >= longestEnd ? chunk : Buffer.concat([this.#tail, chunk]);
    this.#tail = Buffer.from(joined.subarray(-longestEnd));
    const tail = this.#tail.toString('latin1');
    const waiting = this.#waiting;
    if (waiting === undefined || !waiting.end.test(tail)) return;
    this.#waiting = undefined;
    waiting.done(tail);
  }
}
