/**
 * access/lines/listener - one address where clients of a line protocol come in, from bind to drain.
 *
 *   startLineListener -> sessions … -> drain (they are told to stop, then cut) or close (cut at once)
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Admission, type AdmissionLimits } from '../../listen/admission.ts';
import { NetworkSet } from '../../listen/networks.ts';
import { readProxyHeader } from '../../listen/proxy-header.ts';
import { TlsContexts } from '../../listen/tls-contexts.ts';
import type { TlsOptions } from '../../listen/tls-options.ts';
import type { Log } from '../../ports/log.ts';
import { plainIp } from '../../protocol/smtp/proxy.ts';
import { ClientGone, type Peer, Wire } from './wire.ts';

export interface LineListenerOptions {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tls: TlsOptions;
  readonly proxyProtocol: { readonly networks: readonly string[] };
  readonly limits: AdmissionLimits & {
    /** Longest silence in milliseconds before sign-in, and after it. */
    readonly beforeLogin: number;
    readonly idle: number;
  };
}

export interface Service {
  /** Talks to one client, to its end. `stop` is aborted when the server wants to go. Throws nothing but bugs and ClientGone. */
  serve(wire: Wire, contexts: TlsContexts | undefined, stop: AbortSignal): Promise<void>;
  /** What a client is told for whom there is no room, before it is sent away. */
  readonly noRoom: string;
}

export interface LineListener {
  readonly address: string;
  readonly port: number;
  /** Sessions under way. */
  readonly connections: number;
  /** Accepts no more; sessions end when they are between commands, all of them when `signal` aborts. */
  drain(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const backlog = 1024;
const sweepEvery = 10_000;
/** For a refusal to get to its reader. */
const refusalTime = 1_000;

/** Throws when an address or a certificate is no good. */
export async function startLineListener(
  options: LineListenerOptions,
  service: Service,
  log: Log,
  now: () => Date,
): Promise<LineListener> {
  const contexts = options.tls.mode === 'none' ? undefined : new TlsContexts(options.tls);
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true });
  const listening = new Listening(server, options, contexts, service, log, now);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { address: host, port } = options;
  server.once('error', (cause) => {
    const why = `listener ${options.name}: cannot bind ${host} port ${port}: ${cause.message}`;
    reject(new Error(why, { cause }));
  });
  server.listen({ host, port, backlog }, resolve);
  await promise;
  return listening;
}

class Listening implements LineListener {
  readonly #server: Server;
  readonly #options: LineListenerOptions;
  readonly #contexts: TlsContexts | undefined;
  readonly #service: Service;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #admission: Admission;
  readonly #proxies: NetworkSet;
  readonly #strangers = new Set<Socket>();
  readonly #wires = new Map<Wire, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #sweeper: NodeJS.Timeout;

  constructor(
    server: Server,
    options: LineListenerOptions,
    contexts: TlsContexts | undefined,
    service: Service,
    log: Log,
    now: () => Date,
  ) {
    this.#server = server;
    this.#options = options;
    this.#contexts = contexts;
    this.#service = service;
    this.#log = log;
    this.#now = now;
    this.#admission = new Admission(options.limits);
    this.#proxies = new NetworkSet(options.proxyProtocol.networks);
    server.on('connection', (socket) => this.#take(socket));
    this.#sweeper = setInterval(() => this.#admission.sweep(now().getTime()), sweepEvery);
    this.#sweeper.unref();
  }

  get address(): string {
    return this.#where.address;
  }

  get port(): number {
    return this.#where.port;
  }

  get #where(): { readonly address: string; readonly port: number } {
    const bound = this.#server.address();
    return bound === null || typeof bound === 'string' ? { address: '', port: 0 } : bound;
  }

  get connections(): number {
    return this.#wires.size;
  }

  #take(socket: Socket): void {
    socket.on('error', () => {});
    const ip = socket.remoteAddress === undefined ? undefined : plainIp(socket.remoteAddress);
    if (ip === undefined) {
      socket.destroy();
      return;
    }
    const peer = { ip, port: socket.remotePort ?? 0 };
    if (!this.#proxies.has(ip)) {
      this.#admit(socket, peer);
      return;
    }
    this.#strangers.add(socket);
    socket.once('close', () => this.#strangers.delete(socket));
    readProxyHeader(
      socket,
      (client) => {
        this.#strangers.delete(socket);
        this.#admit(socket, client ?? peer);
      },
      (why) => {
        this.#log.warn({ ip, why }, 'no PROXY header');
        socket.destroy();
      },
    );
  }

  #admit(socket: Socket, peer: Peer): void {
    const admitted = this.#admission.enter(peer.ip, false, this.#now().getTime());
    if (admitted !== 'admitted') {
      this.#log.info({ ip: peer.ip, why: admitted }, 'connection refused');
      this.#sendAway(socket);
      return;
    }
    const wire = new Wire(socket, peer, this.#options.limits.beforeLogin);
    const session = this.#serve(wire).finally(() => {
      this.#wires.delete(wire);
      this.#admission.leave(peer.ip, false);
    });
    this.#wires.set(wire, session);
  }

  #sendAway(socket: Socket): void {
    if (this.#options.tls.mode === 'implicit') {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    socket.once('close', () => this.#strangers.delete(socket));
    socket.end(this.#service.noRoom);
    socket.resume();
    setTimeout(() => socket.destroy(), refusalTime).unref();
  }

  async #serve(wire: Wire): Promise<void> {
    try {
      if (this.#options.tls.mode === 'implicit' && this.#contexts !== undefined)
        await wire.startTls(this.#contexts);
      await this.#service.serve(wire, this.#contexts, this.#stop.signal);
      await wire.end();
    } catch (error) {
      if (!(error instanceof ClientGone)) this.#log.error({ err: error, ip: wire.peer.ip }, 'session failed');
      wire.destroy();
    }
  }

  async drain(signal: AbortSignal): Promise<void> {
    const gone = this.#closed();
    this.#stop.abort();
    const { promise: cut, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await Promise.race([gone, cut]);
    await this.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const gone = this.#closed();
    for (const socket of this.#strangers) socket.destroy();
    const sessions = [...this.#wires.values()];
    for (const wire of this.#wires.keys()) wire.destroy();
    await Promise.all(sessions);
    await gone;
  }

  /** Accepts no more; resolves when the last connection is gone. */
  #closed(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
