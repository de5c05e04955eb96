/**
 * access/lines/wire - one client's connection, for a session that reads when it wants to and writes in order.
 *
 *   read() … say() … flush() … read()          startTls() between two of them          end() or destroy()
 *
 * Nobody reads ahead: while a command is carried out the kernel holds what the client sends. What is said is collected,
 * so that answers to pipelined commands go together, and flush() waits for a client that reads slowly. A client that
 * takes no octets for as long as it may be silent is cut off. `signal` aborts when the connection is gone, and with it
 * whatever was being done for the client.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TlsContexts } from '../../listen/tls-contexts.ts';

/** The client has closed its side; was silent too long; or `stop` was aborted while it was silent. */
export type Heard = Buffer | 'ended' | 'silent' | 'stopped';

export interface Peer {
  readonly ip: string;
  readonly port: number;
}

/** Thrown by flush() and startTls(): there is nobody to talk to any more. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** What waits for flush() at most; say() itself never waits. */
const collected = 16_384;
const handshakeTime = 30_000;
/** For the last words to arrive, and for the client to close its side. */
const partingTime = 2_000;

export class Wire {
  readonly peer: Peer;
  /** Longest silence in milliseconds, of reading and of writing. */
  patience: number;
  #socket: Socket;
  #said: Buffer[] = [];
  #saidOctets = 0;
  #news: (() => void) | undefined;
  readonly #gone = new AbortController();

  constructor(socket: Socket, peer: Peer, patience: number) {
    this.#socket = socket;
    this.peer = peer;
    this.patience = patience;
    this.#attend(socket);
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** The TLS socket, once there is one. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  /** What has come, or waits for it. */
  async read(stop?: AbortSignal): Promise<Heard> {
    for (;;) {
      const chunk: Buffer | null = this.#socket.read();
      if (chunk !== null) return chunk;
      if (this.#socket.readableEnded || this.signal.aborted) return 'ended';
      if (stop?.aborted) return 'stopped';
      if (!(await this.#wait(this.patience, stop))) return 'silent';
    }
  }

  /** Collected; flush() sends it. */
  say(words: string | Buffer): void {
    const octets = typeof words === 'string' ? Buffer.from(words) : words;
    if (octets.length === 0) return;
    this.#said.push(octets);
    this.#saidOctets += octets.length;
  }

  /** Flushes where much is collected: between the pieces of a long answer. */
  async sayAtLength(words: string | Buffer): Promise<void> {
    this.say(words);
    if (this.#saidOctets >= collected) await this.flush();
  }

  async flush(): Promise<void> {
    const octets = this.#said.length === 1 ? this.#said[0] : Buffer.concat(this.#said);
    this.#said = [];
    this.#saidOctets = 0;
    if (this.signal.aborted) throw new ClientGone('the connection is closed');
    if (octets === undefined || octets.length === 0 || this.#socket.write(octets)) return;
    while (this.#socket.writableNeedDrain) {
      if (this.signal.aborted) throw new ClientGone('the connection is closed');
      if (await this.#wait(this.patience)) continue;
      this.destroy();
      throw new ClientGone('the client takes nothing any more');
    }
  }

  /** The handshake; throws ClientGone when it fails. Nothing may be waiting to be said. */
  async startTls(contexts: TlsContexts): Promise<void> {
    const secure = new TLSSocket(this.#socket, {
      isServer: true,
      secureContext: contexts.fallback,
      SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
        done(null, contexts.find(name)),
    });
    let done = false;
    secure.once('secure', () => {
      done = true;
      this.#news?.();
    });
    this.#socket = secure;
    this.#attend(secure);
    while (!done) {
      const inTime = await this.#wait(handshakeTime);
      if (inTime && !this.signal.aborted) continue;
      this.destroy();
      throw new ClientGone('no TLS handshake');
    }
  }

  /** Says what is collected, then closes; resolves when the connection is gone. */
  async end(): Promise<void> {
    await this.flush().catch(() => {});
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.destroy(), partingTime);
    while (!this.signal.aborted) await this.#wait(partingTime);
    clearTimeout(timer);
  }

  destroy(): void {
    this.#socket.destroy();
    this.#close();
  }

  #close(): void {
    if (!this.signal.aborted) this.#gone.abort(new ClientGone('the connection is closed'));
    this.#news?.();
  }

  #attend(socket: Socket): void {
    const news = () => this.#news?.();
    // What follows an error is `close`.
    socket.on('error', () => {});
    socket.on('readable', news).on('end', news).on('drain', news);
    socket.on('close', () => this.#close());
  }

  /** true: something happened. false: it was too long in coming. */
  async #wait(most: number, stop?: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const news = () => resolve(true);
    const timer = setTimeout(() => resolve(false), most);
    this.#news = news;
    stop?.addEventListener('abort', news, { once: true });
    if (this.signal.aborted || stop?.aborted) news();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#news = undefined;
      stop?.removeEventListener('abort', news);
    }
  }
}
