/**
 * deliver/wire - one socket to a peer: lines out, replies in, every wait limited.
 *
 * A wire breaks once and stays broken: `fault` says why, the socket is destroyed, and whoever waits goes on with what
 * had come until then. Nothing here throws for what the peer or the network does, except while the wire is being
 * made (connect, startTls). One waiter at a time: a conversation is a sequence.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Reply } from '../mail/reply.ts';
import { ReplyParser } from '../protocol/smtp/reply-parser.ts';
import { PeerFault } from './fault.ts';

export interface Destination {
  readonly ip: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
}

export class Wire {
  #socket: Socket;
  #parser = new ReplyParser();
  #fault: PeerFault | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Rejects with the fault. `made` is given the wire at once, so that it can be cut while it connects. */
  static async connect(
    { ip, port, localAddress }: Destination,
    limit: number,
    made: (wire: Wire) => void,
  ): Promise<Wire> {
    const socket = connectTcp({ host: ip, port, noDelay: true, ...(localAddress ? { localAddress } : {}) });
    const wire = new Wire(socket);
    wire.#attach(socket);
    made(wire);
    let connected = false;
    socket.once('connect', () => {
      connected = true;
      wire.#wake?.();
    });
    await wire.#until(() => connected, limit, 'connecting', 'connect');
    if (wire.#fault) throw wire.#fault;
    return wire;
  }

  get fault(): PeerFault | undefined {
    return this.#fault;
  }

  /** Fit for the next command: not broken, and the peer has said nothing that nobody asked for. */
  get quiet(): boolean {
    return this.#fault === undefined && this.#parser.empty;
  }

  /** The peer has spoken; while content is sent, that means it will not take it. */
  get answered(): boolean {
    return this.#parser.waiting > 0;
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** All parts in one write to the system where they are small. */
  send(parts: readonly (string | Buffer)[]): void {
    if (this.#fault) return;
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) {
      this.#socket.write(only);
      return;
    }
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /**
   * The next `count` replies, each within `limit` of the one before. Fewer when the wire breaks, or when one is 421:
   * the peer closes after that (RFC 5321 §3.8).
   */
  async replies(count: number, limit: number, doing: string): Promise<readonly Reply[]> {
    const replies: Reply[] = [];
    while (replies.length < count) {
      const reply = this.#parser.take();
      if (reply) {
        replies.push(reply);
        if (reply.code === 421) break;
      } else if (this.#fault) break;
      else await this.#until(() => this.#parser.waiting > 0, limit, `waiting for the answer to ${doing}`);
    }
    return replies;
  }

  /** Until the peer has taken what was sent, or has spoken, or the wire is broken. */
  async drained(limit: number): Promise<void> {
    await this.#until(() => !this.needsDrain || this.answered, limit, 'sending the message');
  }

  /**
   * TLS on top, now. Rejects with a fault of kind tls. Bytes that came before the handshake are an attack
   * (RFC 3207 §6: they were not protected) and break the wire.
   */
  async startTls(options: ConnectionOptions, limit: number): Promise<TLSSocket> {
    if (!this.#parser.empty) {
      throw this.break(new PeerFault('tls', 'the peer sent data between its answer to STARTTLS and TLS'));
    }
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secure = connectTls({ ...options, socket: plain });
    this.#socket = secure;
    this.#attach(secure);
    let ready = false;
    secure.once('secureConnect', () => {
      ready = true;
      this.#wake?.();
    });
    await this.#until(() => ready, limit, 'in the TLS handshake', 'tls');
    if (this.#fault) throw this.#fault;
    return secure;
  }

  /** Breaks the wire: nothing more comes or goes. The first fault stays. */
  break(fault: PeerFault): PeerFault {
    this.#fault ??= fault;
    this.#socket.destroy();
    this.#wake?.();
    return this.#fault;
  }

  /** Says QUIT, waits a little for the answer, and closes. */
  async quit(limit: number): Promise<void> {
    this.send(['QUIT\r\n']);
    await this.replies(1, limit, 'QUIT');
    this.break(new PeerFault('closed', 'we closed the connection'));
  }

  #attach(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#parser.push(chunk);
        this.#wake?.();
      } catch (error) {
        this.break(new PeerFault('garbage', (error as Error).message));
      }
    });
    socket.on('drain', () => this.#wake?.());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lost(describe(error)));
    socket.on('end', () => this.#lost('the peer closed the connection'));
    socket.on('close', () => this.#lost('the connection is closed'));
  }

  #lost(why: string): void {
    if (this.#fault === undefined) this.break(new PeerFault('closed', why));
  }

  /** Waits for `done`, a broken wire, or the limit, which breaks it. `kind` is what a fault meanwhile is called. */
  async #until(done: () => boolean, limit: number, doing: string, kind?: 'connect' | 'tls'): Promise<void> {
    if (done() || this.#fault) return;
    const timer = setTimeout(() => {
      this.break(new PeerFault(kind ?? 'timeout', `no progress for ${limit / 1000} s ${doing}`));
    }, limit);
    try {
      while (!done() && !this.#fault) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const fault = this.#fault as PeerFault | undefined;
    if (fault?.kind === 'closed') {
      this.#fault = new PeerFault(
        kind ?? 'closed',
        `${fault.message} while ${doing}`.replace('while in', 'in'),
      );
    }
  }
}

/** `ECONNREFUSED`; OpenSSL's messages have source lines in them, its codes say the same. */
const describe = (error: NodeJS.ErrnoException): string => (error.code ?? error.message).slice(0, 200);
