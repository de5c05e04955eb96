/**
 * access/listener - one address where people read their mail, from bind to drain.
 *
 *   bindAccess (root, low ports) -> serve (unprivileged) -> reload … -> drain -> close
 *
 * Knows no protocol: IMAP, POP3 and ManageSieve are handed in.
 */
import type { Server, Socket } from 'node:net';
import { Admission } from '../listen/admission.ts';
import { type BoundSocket, bindSocket, closed } from '../listen/bind.ts';
import { NetworkSet } from '../listen/networks.ts';
import { readProxyHeader } from '../listen/proxy-header.ts';
import { TlsContexts } from '../listen/tls-contexts.ts';
import { plainIp } from '../protocol/smtp/proxy.ts';
import { Connection, ConnectionGone } from './connection.ts';
import type { AccessDeps, AccessListenerOptions, AccessProtocol, ConnectionSetting } from './options.ts';

export interface BoundAccess {
  readonly address: string;
  readonly port: number;
  /** Begins to answer; clients that came since bind are taken first. Throws when an option is no good. */
  serve(protocol: AccessProtocol, deps: AccessDeps): AccessListener;
  /** Gives the address back without ever having served. */
  close(): Promise<void>;
}

export interface AccessListener {
  readonly address: string;
  readonly port: number;
  /** Connections under way. */
  readonly connections: number;
  /**
   * Takes new TLS, limits and networks; name, address, port and TLS mode stay. Throws an Error, and goes on with the
   * old ones, when the new ones are no good.
   */
  reload(options: AccessListenerOptions): void;
  /** Accepts no more; sessions at rest are told goodbye, commands under way finish, until `signal` aborts: then all end. */
  drain(signal: AbortSignal): Promise<void>;
  /** At once. */
  close(): Promise<void>;
}

/** Of the kernel's queue. */
const backlog = 4096;
/** Refused and lingering sockets, beyond the sessions. */
const socketsBeside = 256;
const sweepEvery = 1_000;
/** For a refusal to get to its reader. */
const refusalTime = 1_000;
/** TCP asks whether a silent client is still there. */
const keepAliveInitialDelay = 300_000;

/** Binds and reads the certificates: what may need root. Throws when an address or a certificate is no good. */
export async function bindAccess(options: AccessListenerOptions): Promise<BoundAccess> {
  const contexts = contextsOf(options);
  const bound = await bindSocket(options, { backlog, keepAliveInitialDelay });
  return {
    address: bound.address,
    port: bound.port,
    serve: (protocol, deps) => {
      const serving = new Serving(bound, options, contexts, protocol, deps);
      bound.serve((socket) => serving.take(socket));
      return serving;
    },
    close: () => bound.close(),
  };
}

/** Binds and serves. */
export async function startAccess(
  options: AccessListenerOptions,
  protocol: AccessProtocol,
  deps: AccessDeps,
): Promise<AccessListener> {
  const bound = await bindAccess(options);
  try {
    return bound.serve(protocol, deps);
  } catch (error) {
    await bound.close();
    throw error;
  }
}

const contextsOf = ({ tls }: AccessListenerOptions): TlsContexts | undefined =>
  tls.mode === 'none' ? undefined : new TlsContexts(tls);

class Serving implements AccessListener {
  readonly address: string;
  readonly port: number;
  readonly #net: Server;
  readonly #admission: Admission;
  readonly #protocol: AccessProtocol;
  readonly #deps: AccessDeps;
  /** Before their session, or refused one. */
  readonly #strangers = new Set<Socket>();
  readonly #sessions = new Map<Connection, Promise<void>>();
  readonly #sweeper: NodeJS.Timeout;
  #options: AccessListenerOptions;
  #setting: ConnectionSetting;
  #proxies: NetworkSet;
  #gone: Promise<void> | undefined;

  constructor(
    { server: net, address, port }: BoundSocket,
    options: AccessListenerOptions,
    contexts: TlsContexts | undefined,
    protocol: AccessProtocol,
    deps: AccessDeps,
  ) {
    this.address = address;
    this.port = port;
    this.#net = net;
    this.#protocol = protocol;
    this.#deps = deps;
    this.#options = options;
    this.#proxies = new NetworkSet(options.proxyProtocol.networks);
    this.#setting = this.#settingOf(options, contexts);
    this.#admission = new Admission(options.limits);
    this.#bound();
    net.on('error', (error) => this.#setting.log.error({ err: error }, 'listener failed'));
    this.#sweeper = setInterval(() => this.#sweep(), sweepEvery);
    this.#sweeper.unref();
  }

  #settingOf(options: AccessListenerOptions, contexts: TlsContexts | undefined): ConnectionSetting {
    const { tls, limits, name } = options;
    return {
      tls: contexts && { contexts, clientCertificates: tls.clientCertificates },
      isImplicit: tls.mode === 'implicit',
      isTlsRequired: tls.mode === 'required',
      limits,
      log: this.#deps.log.child({ listener: name }),
      now: this.#deps.now,
    };
  }

  get connections(): number {
    return this.#sessions.size;
  }

  take(socket: Socket): void {
    const ip = socket.remoteAddress === undefined ? undefined : plainIp(socket.remoteAddress);
    if (ip === undefined) {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    socket.once('close', () => this.#strangers.delete(socket));
    const port = socket.remotePort ?? 0;
    if (!this.#proxies.has(ip)) this.#admit(socket, { ip, port });
    else this.#readProxyHeader(socket, { ip, port });
  }

  #readProxyHeader(socket: Socket, balancer: { readonly ip: string; readonly port: number }): void {
    readProxyHeader(
      socket,
      (client) => this.#admit(socket, client ?? balancer),
      (why) => {
        this.#setting.log.warn({ ip: balancer.ip, why }, 'no PROXY header');
        socket.destroy();
      },
    );
  }

  #admit(socket: Socket, client: { readonly ip: string; readonly port: number }): void {
    const { metrics, now } = this.#deps;
    const { name: listener } = this.#options;
    const admitted = this.#admission.enter(client.ip, false, now().getTime());
    metrics.count('isthmus_connections_total', { listener });
    if (admitted === 'admitted' && this.#gone === undefined) {
      this.#strangers.delete(socket);
      const connection = new Connection(socket, client, () => this.#setting);
      this.#sessions.set(connection, this.#serve(connection));
      return;
    }
    if (admitted === 'admitted') this.#admission.leave(client.ip, false);
    this.#setting.log.info({ ip: client.ip, why: admitted }, 'connection refused');
    metrics.count('isthmus_refusals_total', { listener, code: admitted });
    if (this.#setting.isImplicit) {
      socket.destroy();
      return;
    }
    socket.end(this.#protocol.refusal);
    socket.resume();
    setTimeout(() => socket.destroy(), refusalTime).unref();
  }

  async #serve(connection: Connection): Promise<void> {
    const gone = new Promise<void>((resolve) =>
      connection.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    try {
      if (await connection.begin()) await this.#protocol.serve(connection);
    } catch (error) {
      if (!(error instanceof ConnectionGone))
        this.#setting.log.error({ ip: connection.ip, err: error }, 'session failed');
    } finally {
      connection.end();
      await gone;
      this.#sessions.delete(connection);
      this.#admission.leave(connection.ip, false);
    }
  }

  #bound(): void {
    const { connections } = this.#options.limits;
    this.#net.maxConnections = connections > 0 ? connections + socketsBeside : 1_000_000;
  }

  #sweep(): void {
    const now = this.#deps.now().getTime();
    this.#admission.sweep(now);
    for (const connection of this.#sessions.keys()) connection.sweep(now);
  }

  reload(options: AccessListenerOptions): void {
    const old = this.#options;
    const changed = (['name', 'address', 'port'] as const).find((key) => options[key] !== old[key]);
    if (changed !== undefined) throw new Error(`listener ${old.name}: ${changed} needs a restart to change`);
    if (options.tls.mode !== old.tls.mode)
      throw new Error(`listener ${old.name}: tls.mode needs a restart to change`);
    const contexts = contextsOf(options);
    const proxies = new NetworkSet(options.proxyProtocol.networks);
    this.#setting = this.#settingOf(options, contexts);
    this.#proxies = proxies;
    this.#options = options;
    this.#admission.limits = options.limits;
    this.#bound();
  }

  async drain(signal: AbortSignal): Promise<void> {
    const gone = this.#stop();
    for (const connection of this.#sessions.keys()) connection.drain();
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
    const sessions = [...this.#sessions];
    for (const [connection] of sessions) connection.destroy();
    await Promise.all(sessions.map(([, ended]) => ended));
    await gone;
  }

  /** Accepts no more; resolves when the last socket is gone. */
  #stop(): Promise<void> {
    this.#gone ??= closed(this.#net);
    return this.#gone;
  }
}
