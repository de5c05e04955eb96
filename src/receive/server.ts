/**
 * receive/server - what all connections of one listener share: the options in force and the certificates.
 *
 * smtp-server's server object, for the connections that ask it; listening, PROXY headers and admission are ours
 * (receive/listener, receive/intake).
 */
import type { Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Admission } from '../listen/admission.ts';
import { TlsContexts } from '../listen/tls-contexts.ts';
import type { Log } from '../ports/log.ts';
import { Connection } from './connection.ts';
import type { ListenerOptions, ReceiveDeps } from './options.ts';
import { Recogniser } from './recognise.ts';

/** Replaced as a whole by a reload; connections look at the one in force. */
export interface Setting {
  readonly options: ListenerOptions;
  readonly deps: ReceiveDeps;
  readonly log: Log;
  readonly recogniser: Recogniser;
  readonly admission: Admission;
  readonly contexts: TlsContexts | undefined;
  readonly ownNames: ReadonlySet<string>;
}

/** Throws an Error that says which certificate is no good. */
export const makeContexts = ({ tls }: ListenerOptions): TlsContexts | undefined =>
  tls.mode === 'none' ? undefined : new TlsContexts(tls);

/** Throws an Error that says which option is no good. */
export function makeSetting(
  options: ListenerOptions,
  deps: ReceiveDeps,
  admission: Admission,
  contexts: TlsContexts | undefined,
): Setting {
  return {
    options,
    deps,
    log: deps.log.child({ listener: options.name }),
    recogniser: new Recogniser(options, deps.recognise),
    admission,
    contexts,
    ownNames: new Set([options.hostname, ...(options.ownNames ?? [])].map((name) => name.toLowerCase())),
  };
}

export class ReceiveServer extends SMTPServer {
  #setting: Setting;
  readonly #sessions = new Map<Connection, Promise<void>>();

  constructor(setting: Setting) {
    const implicit = setting.options.tls.mode === 'implicit';
    super({
      logger: false,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      secure: implicit,
      needsUpgrade: implicit,
      lmtp: setting.options.protocol === 'lmtp',
    });
    this.#setting = setting;
    this.#apply(setting);
  }

  get setting(): Setting {
    return this.#setting;
  }

  /** For new connections, new handshakes and new commands; name, protocol, address and TLS mode stay. */
  set setting(setting: Setting) {
    this.#setting = setting;
    this.#apply(setting);
  }

  #apply({ options, contexts }: Setting): void {
    this.options.name = options.hostname;
    this.options.socketTimeout = options.limits.commandTime;
    this.options.requestCert = options.tls.clientCertificates !== 'ignore';
    this.options.rejectUnauthorized = options.tls.clientCertificates === 'require';
    this.secureContext = new Map(contexts === undefined ? [] : [['*', contexts.fallback]]);
  }

  /** The base class would make a context of its own well-known key. */
  override updateSecureContext(): void {
    this.secureContext = new Map();
  }

  override _resolveSNI(servername: string, done: Parameters<SMTPServer['_resolveSNI']>[1]): void {
    done(null, this.#setting.contexts?.find(servername));
  }

  override onSecure(_socket: unknown, _session: unknown, done: (error?: Error | null) => void): void {
    done();
  }

  /** `onleave` is called once, when the connection is gone. */
  begin(socket: Socket, ip: string, port: number, onleave: () => void): void {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const connection = new Connection(this, socket, ip, port, () => {
      this.#sessions.delete(connection);
      onleave();
      resolve();
    });
    this.#sessions.set(connection, gone);
    this.connections.add(connection);
    connection.init();
  }

  /** Those whose sockets are not gone yet, also when all was said. */
  get sessions(): IterableIterator<Connection> {
    return this.#sessions.keys();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Ends all sessions at once. */
  async destroySessions(): Promise<void> {
    const all = [...this.#sessions];
    for (const [session] of all) session.destroy();
    await Promise.all(all.map(([, gone]) => gone));
  }
}
