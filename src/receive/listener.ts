/**
 * receive/listener - one address where mail comes in, from bind to drain.
 *
 *   bindListener (root, low ports) -> serve (unprivileged) -> reload … -> drain -> close
 */
import type { Server, Socket } from 'node:net';
import { Admission } from '../listen/admission.ts';
import { type BoundSocket, bindSocket, closed } from '../listen/bind.ts';
import type { TlsContexts } from '../listen/tls-contexts.ts';
import { takeSocket } from './intake.ts';
import type { ListenerOptions, ReceiveDeps } from './options.ts';
import { makeContexts, makeSetting, ReceiveServer } from './server.ts';

export interface BoundListener {
  readonly address: string;
  readonly port: number;
  /** Begins to answer; clients that came since bind are taken first. Throws when an option is no good. */
  serve(deps: ReceiveDeps): Listener;
  /** Gives the address back without ever having served. */
  close(): Promise<void>;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Sessions under way. */
  readonly connections: number;
  /**
   * Takes new TLS, limits, sites and all else but name, protocol, address, port and TLS mode. Throws an Error, and
   * goes on with the old ones, when the new ones are no good.
   */
  reload(options: ListenerOptions): void;
  /** Accepts no more; idle sessions end with 421, transactions under way finish, until `signal` aborts: then all end. */
  drain(signal: AbortSignal): Promise<void>;
  /** At once. Messages not answered yet are not accepted. */
  close(): Promise<void>;
}

/** Of the kernel's queue. */
const backlog = 1024;
/** Refused and lingering sockets, beyond the sessions. */
const socketsBeside = 256;
const sweepEvery = 1_000;

/** Binds and reads the certificates: what may need root. Throws when an address or a certificate is no good. */
export async function bindListener(options: ListenerOptions): Promise<BoundListener> {
  const contexts = makeContexts(options);
  const bound = await bindSocket(options, { backlog });
  return {
    address: bound.address,
    port: bound.port,
    serve: (deps) => {
      const serving = new Serving(bound, options, deps, contexts);
      bound.serve((socket) => serving.take(socket));
      return serving;
    },
    close: () => bound.close(),
  };
}

/** Binds and serves. */
export async function startListener(options: ListenerOptions, deps: ReceiveDeps): Promise<Listener> {
  const bound = await bindListener(options);
  try {
    return bound.serve(deps);
  } catch (error) {
    await bound.close();
    throw error;
  }
}

class Serving implements Listener {
  readonly address: string;
  readonly port: number;
  readonly #net: Server;
  readonly #server: ReceiveServer;
  readonly #admission: Admission;
  /** Before their session, or refused one. */
  readonly #strangers = new Set<Socket>();
  readonly #sweeper: NodeJS.Timeout;
  #gone: Promise<void> | undefined;

  constructor(
    { server: net, address, port }: BoundSocket,
    options: ListenerOptions,
    deps: ReceiveDeps,
    contexts: TlsContexts | undefined,
  ) {
    this.address = address;
    this.port = port;
    this.#net = net;
    this.#admission = new Admission(options.limits);
    this.#server = new ReceiveServer(makeSetting(options, deps, this.#admission, contexts));
    this.#bound(options);
    net.on('error', (error) => this.#server.setting.log.error({ err: error }, 'listener failed'));
    this.#sweeper = setInterval(() => this.#sweep(), sweepEvery);
    this.#sweeper.unref();
  }

  get connections(): number {
    return this.#server.sessionCount;
  }

  take(socket: Socket): void {
    const forget = () => this.#strangers.delete(socket);
    this.#strangers.add(socket);
    socket.once('close', forget);
    takeSocket(this.#server, socket, () => {
      socket.off('close', forget);
      forget();
    });
  }

  #bound({ limits }: ListenerOptions): void {
    this.#net.maxConnections = limits.connections > 0 ? limits.connections + socketsBeside : 1_000_000;
  }

  #sweep(): void {
    const now = this.#server.setting.deps.now().getTime();
    this.#admission.sweep(now);
    for (const session of this.#server.sessions) session.sweep(now);
  }

  reload(options: ListenerOptions): void {
    const { options: old, deps } = this.#server.setting;
    const kept = ['name', 'protocol', 'address', 'port'] as const;
    const changed = kept.find((key) => options[key] !== old[key]);
    if (changed !== undefined) throw new Error(`listener ${old.name}: ${changed} needs a restart to change`);
    if (options.tls.mode !== old.tls.mode)
      throw new Error(`listener ${old.name}: tls.mode needs a restart to change`);
    this.#server.setting = makeSetting(options, deps, this.#admission, makeContexts(options));
    this.#admission.limits = options.limits;
    this.#bound(options);
  }

  async drain(signal: AbortSignal): Promise<void> {
    const gone = this.#stop();
    for (const session of this.#server.sessions) session.drain();
    const { promise: cut, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await Promise.race([gone, cut]);
    await this.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const gone = this.#stop();
    for (const socket of this.#strangers) socket.destroy();
    await this.#server.destroySessions();
    await gone;
  }

  /** Accepts no more; resolves when the last socket is gone. */
  #stop(): Promise<void> {
    this.#gone ??= closed(this.#net);
    return this.#gone;
  }
}
