/**
 * access/connection - one client: its octets in and out, TLS and compression begun in the middle, and its time limits.
 *
 * A session reads when it is ready to and awaits room before it writes much, so that neither side makes the other keep
 * more than a few buffers. What was said waits for the end of the turn of the event loop and then goes out together.
 *
 *   read … write … read …          startTls(): all that came in the clear before is forgotten (RFC 9051 §6.2.1)
 *   end(): what was written still goes out          destroy(): at once
 */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Log } from '../ports/log.ts';
import { beginTls, compressed } from './layers.ts';
import type { ConnectionSetting, Farewell } from './options.ts';

/** Said together up to here. */
const together = 16_384;
/** Bodies smaller than this are copied, so that they go out with the words around them. */
const smallBody = 4096;
/** More than this waiting to go out: the client is to take some first. */
const waitingAtMost = 65_536;
/** For the client to take the last words and to close its side. */
const lingerTime = 5_000;

export class Connection {
  readonly ip: string;
  readonly port: number;
  readonly #setting: () => ConnectionSetting;
  readonly #abort = new AbortController();
  /** The TLS socket as soon as there is one, also while its handshake runs. */
  #socket: Socket;
  #source: Readable;
  #sink: Writable;
  #out = '';
  #isFlushDue = false;
  /** Who waits for octets; the client is to speak. */
  #reader: ((octets: Buffer | undefined) => void) | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  /** When what is being waited for began to be. */
  #since: number;
  #handshaking = false;
  #isEnding = false;
  #isDraining = false;
  #isCompressed = false;

  /** How long the client may be silent when it is to speak; the session makes it longer at sign-in. */
  patience: number;
  /** Nothing is under way that a shutdown should wait for: between commands, in IDLE. */
  isAtRest = true;
  /** What is said when the connection ends by our will. */
  farewell: ((why: Farewell) => string) | undefined;

  /** `socket` has no listeners but for `error`; it may hold octets already. */
  constructor(socket: Socket, client: { ip: string; port: number }, setting: () => ConnectionSetting) {
    this.ip = client.ip;
    this.port = client.port;
    this.#setting = setting;
    this.#socket = socket;
    this.#source = socket;
    this.#sink = socket;
    const { limits, now } = setting();
    this.patience = limits.greetingTime;
    this.#since = now().getTime();
    socket.once('close', this.#closed);
  }

  /** The handshake, where TLS is implicit; false: the client is gone. */
  async begin(): Promise<boolean> {
    if (this.#isEnding) return false;
    if (this.#setting().isImplicit) return await this.#secure();
    this.#take(this.#socket, this.#socket);
    return true;
  }

  get setting(): ConnectionSetting {
    return this.#setting();
  }

  /** Aborts when the connection is gone. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get log(): Log {
    return this.#setting().log;
  }

  get now(): Date {
    return this.#setting().now();
  }

  /** The TLS session, for channel bindings and the client's certificate. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket && !this.#handshaking ? this.#socket : undefined;
  }

  get isSecure(): boolean {
    return this.tls !== undefined;
  }

  get mayStartTls(): boolean {
    return !this.isSecure && this.#setting().tls !== undefined;
  }

  get isCompressed(): boolean {
    return this.#isCompressed;
  }

  /** The next octets, some at least; undefined when there will be none. One at a time. */
  read(): Promise<Buffer | undefined> {
    if (this.#isEnding) return Promise.resolve(undefined);
    if (this.#isDraining && this.isAtRest) this.#bye('shutdown');
    const chunk: Buffer | null = this.#isEnding ? null : this.#source.read();
    if (chunk !== null) return Promise.resolve(chunk);
    if (this.#isOver) return Promise.resolve(undefined);
    this.#since = this.now.getTime();
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    this.#reader = resolve;
    return promise;
  }

  get #isOver(): boolean {
    return this.#isEnding || this.#source.readableEnded || this.#source.destroyed;
  }

  readonly #readable = (): void => {
    const reader = this.#reader;
    if (reader === undefined) return;
    const chunk: Buffer | null = this.#source.read();
    if (chunk === null && !this.#isOver) return;
    this.#reader = undefined;
    reader(chunk ?? undefined);
  };

  /** Octets; of a string one for each character. Await room() now and then. */
  write(octets: string | Uint8Array): void {
    if (this.#isEnding) return;
    if (typeof octets === 'string') this.#out += octets;
    else if (octets.length < smallBody)
      this.#out += Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
    else {
      this.flush();
      if (this.#sink.writable) this.#sink.write(octets);
      return;
    }
    if (this.#out.length >= together) this.flush();
    else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      setImmediate(this.#flushLater);
    }
  }

  readonly #flushLater = (): void => {
    this.#isFlushDue = false;
    this.flush();
  };

  flush(): void {
    const out = this.#out;
    this.#out = '';
    if (out !== '' && this.#sink.writable && !this.#handshaking) this.#sink.write(out, 'latin1');
  }

  /** Undefined: write on. Else resolves when the client has taken what was written; rejects when it is gone. */
  room(): Promise<void> | undefined {
    if (this.#abort.signal.aborted) return Promise.reject(this.#abort.signal.reason);
    if (this.#sink.writableLength < waitingAtMost) return undefined;
    this.#since = this.now.getTime();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  readonly #drain = (): void => {
    this.#drained?.resolve();
    this.#drained = undefined;
  };

  /** After the answer to STARTTLS was written. False: there was no handshake, and the client is gone. */
  async startTls(): Promise<boolean> {
    if (this.#isEnding) return false;
    while (this.#source.read() !== null);
    this.flush();
    return await this.#secure();
  }

  #secure(): Promise<boolean> {
    const { tls, now } = this.#setting();
    if (tls === undefined) throw new Error('a handshake without certificates');
    const below = this.#socket;
    this.#release(below, below);
    below.off('close', this.#closed);
    this.#handshaking = true;
    this.#since = now().getTime();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = beginTls(
      below,
      tls,
      () => {
        this.#handshaking = false;
        this.#take(socket, socket);
        resolve(true);
      },
      (why) => {
        this.#handshaking = false;
        this.log.debug({ ip: this.ip, why }, 'no TLS');
        socket.destroy();
        resolve(false);
      },
    );
    this.#socket = socket;
    this.#source = socket;
    this.#sink = socket;
    socket.once('close', this.#closed);
    return promise;
  }

  /** After the answer to COMPRESS was written. */
  compress(): void {
    while (this.#source.read() !== null);
    this.flush();
    this.#release(this.#source, this.#sink);
    const { source, sink } = compressed(this.#socket, (why) => {
      this.log.debug({ ip: this.ip, why }, 'compression failed');
      this.destroy();
    });
    this.#isCompressed = true;
    this.#take(source, sink);
  }

  #take(source: Readable, sink: Writable): void {
    this.#source = source;
    this.#sink = sink;
    source.on('readable', this.#readable);
    source.on('end', this.#readable);
    sink.on('drain', this.#drain);
  }

  #release(source: Readable, sink: Writable): void {
    source.off('readable', this.#readable);
    source.off('end', this.#readable);
    sink.off('drain', this.#drain);
  }

  /** No more is read; what was written still goes out. */
  end(): void {
    if (this.#isEnding) return;
    this.flush();
    this.#isEnding = true;
    this.#since = this.now.getTime();
    this.#release(this.#source, this.#sink);
    this.#sink.end();
    this.#source.resume();
    this.#readable();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #bye(why: Farewell): void {
    const words = this.farewell?.(why);
    if (words !== undefined && !this.#handshaking) this.write(words);
    this.end();
  }

  readonly #closed = (): void => {
    this.#isEnding = true;
    this.#abort.abort(new ConnectionGone('the client is gone'));
    this.#drained?.promise.catch(() => {});
    this.#drained?.reject(this.#abort.signal.reason);
    this.#drained = undefined;
    this.#readable();
  };

  /** Ends when nothing is under way, now or as soon as the command is done. */
  drain(): void {
    this.#isDraining = true;
    if (this.#reader !== undefined && this.isAtRest) this.#bye('shutdown');
  }

  /** Called about once a second. */
  sweep(now: number): void {
    const { limits } = this.#setting();
    const took = now - this.#since;
    if (this.#handshaking) {
      if (took > limits.handshakeTime) this.destroy();
    } else if (this.#isEnding) {
      if (took > (this.#sink.writableFinished ? lingerTime : limits.writeTime)) this.destroy();
    } else if (this.#drained !== undefined) {
      if (took > limits.writeTime) this.destroy();
    } else if (this.#reader !== undefined && took > this.patience) this.#bye('idle');
  }
}

/** Nobody is there to be told: a session that meets it just ends. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone';
}
