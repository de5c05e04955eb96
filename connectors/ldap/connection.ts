/**
 * ldap/connection - one authenticated connection to one of the servers, for one refresh.
 *
 *   connect -> (STARTTLS) -> bind -> pages ... -> close
 *
 * Servers are tried in order; one that failed in the middle of a read is tried
 * last the next time. ldapts would open a lost connection anew by itself, in the
 * clear and without a bind, so a connection here is opened once and never again.
 *
 * A server is trusted to say who is who, and not with our memory: what it sends in one page, and pages without
 * end, are bounded.
 */
import { readFile } from 'node:fs/promises';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Client, Control, type Entry, PagedResultsControl, type SearchOptions } from 'ldapts';
import { MessageFrames } from './frames.ts';
import { RawEntry, type RawValue } from './raw-entry.ts';

export interface LdapTls {
  /** What ldap:// servers are asked for before the bind: `never` sends the password in the clear. */
  readonly startTls: 'require' | 'never';
  /** PEM file of the authorities that server certificates are verified by; the system's when absent. */
  readonly ca?: string;
  readonly verify: boolean;
  /** The name in the certificate, where it is not the one in the URL. */
  readonly serverName?: string;
  /** PEM files of the certificate we show, for SASL EXTERNAL. */
  readonly certificate?: { readonly cert: string; readonly key: string };
}

export type LdapBind =
  | { readonly method: 'anonymous' }
  | { readonly method: 'simple'; readonly dn: string; readonly password: string }
  /** SASL PLAIN (RFC 4616). */
  | { readonly method: 'plain'; readonly user: string; readonly password: string }
  /** SASL EXTERNAL: the client certificate says who we are. */
  | { readonly method: 'external' };

export interface ConnectionSettings {
  /** `ldaps://dc1.example.org`, `ldap://dc2.example.org:389`; in order of preference. */
  readonly servers: readonly string[];
  readonly tls: LdapTls;
  readonly bind: LdapBind;
  /** Milliseconds to connect, secure and bind. */
  readonly connectTimeout: number;
  /** Milliseconds for one page. */
  readonly pageTimeout: number;
  readonly pageSize: number;
}

export class LdapUnreachable extends Error {
  override readonly name = 'LdapUnreachable';
}

/** Octets that `objectGUID` and the like are asked for as; ldapts compares the names as the server spells them. */
const binary = ['objectGUID', 'mS-DS-ConsistencyGuid', 'msExchMailboxGuid', 'invocationId'];

/** Octets of one page. */
const largestPage = 512 << 20;
/** Pages without entries in a row; a large domain may have some. */
const mostEmptyPages = 1_000;
const mostEntries = 10_000_000;

/** ldapts's own, which we look into; test/ldap/paging.test.ts holds what is relied on. */
interface Parser {
  read(data: Buffer, requests: unknown): void;
  on(event: 'message', heard: (message: { readonly controls?: readonly Control[] }) => void): void;
}

export interface Search {
  readonly base: string;
  readonly filter: string;
  readonly attributes: readonly string[];
  readonly scope?: 'base' | 'sub';
  /** OIDs of controls without value, critical. */
  readonly controls?: readonly string[];
  /** Where the configured size would be too much. */
  readonly pageSize?: number;
}

export class LdapConnection {
  readonly url: string;
  readonly #client: Client;
  readonly #socket: () => Socket | undefined;
  readonly #settings: ConnectionSettings;
  readonly #signal: AbortSignal;
  readonly #abort: () => void;
  /** Rejects when the connection ends, which ldapts does not notice between two requests over STARTTLS. */
  readonly #lost: Promise<never>;
  #cookie: Buffer | undefined;
  readonly #frames = new MessageFrames();
  /** What may still come of the present page. */
  #left = { octets: largestPage, messages: 1_000 };

  private constructor(
    url: string,
    settings: ConnectionSettings,
    tls: ConnectionOptions,
    signal: AbortSignal,
  ) {
    let socket: Socket | undefined;
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    this.#lost = lost.promise;
    const once = <T extends Socket>(made: () => T): T => {
      if (socket) throw new Error(`the connection to ${url} was lost`);
      const opened = made();
      socket = opened;
      opened.once('close', () => lost.reject(new Error(`the connection to ${url} was lost`)));
      return opened;
    };
    this.url = url;
    this.#settings = settings;
    this.#signal = signal;
    this.#socket = () => socket;
    this.#abort = () => socket?.destroy(new Error('the read was stopped'));
    const secure = url.startsWith('ldaps:');
    this.#client = new Client({
      url,
      timeout: settings.pageTimeout,
      connectTimeout: settings.connectTimeout,
      ...(secure && {
        tlsOptions: tls,
        createSecureConnection: ((port: number, host: string) =>
          once(() => connectTls({ ...tls, port, host }))) as typeof connectTls,
      }),
      ...(!secure && {
        createConnection: ((port: number, host: string) =>
          once(() => connectPlain({ port, host }))) as typeof connectPlain,
      }),
    });
    this.#keepCookies();
    this.#boundAnswers((error) => {
      lost.reject(error);
      socket?.destroy(error);
    });
    signal.addEventListener('abort', this.#abort);
  }

  /**
   * ldapts ends a paged search at a page without entries though the server gave a cookie, which Active Directory does
   * when it has looked at many objects in vain. So pages are asked for here, and the cookie is taken from the answers.
   */
  #keepCookies(): void {
    this.#parser.on('message', ({ controls }) => {
      for (const control of controls ?? []) {
        if (control instanceof PagedResultsControl) this.#cookie = control.value?.cookie;
      }
    });
  }

  /** Whole messages go to ldapts one by one, and no more of them than a page may have (frames.ts says why). */
  #boundAnswers(fail: (error: Error) => void): void {
    const parser = this.#parser;
    const read = parser.read.bind(parser);
    parser.read = (data, requests) => {
      try {
        for (const message of this.#frames.push(data)) {
          this.#left.octets -= message.length;
          this.#left.messages -= 1;
          if (this.#left.octets < 0 || this.#left.messages < 0) {
            throw new Error(`${this.url} sends more than was asked for in one page`);
          }
          read(message, requests);
        }
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    };
  }

  get #parser(): Parser {
    return (this.#client as unknown as { readonly messageParser: Parser }).messageParser;
  }

  /** The first server that lets us in. Throws LdapUnreachable that tells of each why not. */
  static async open(
    settings: ConnectionSettings,
    avoid: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<LdapConnection> {
    const tls = await tlsOptions(settings.tls);
    const ordered = [
      ...settings.servers.filter((url) => !avoid.has(url)),
      ...settings.servers.filter((url) => avoid.has(url)),
    ];
    const reasons: string[] = [];
    for (const url of ordered) {
      signal.throwIfAborted();
      const connection = new LdapConnection(url, settings, tls, signal);
      try {
        await connection.#start(tls);
        return connection;
      } catch (error) {
        await connection.close();
        reasons.push(`${url}: ${reasonOf(error)}`);
      }
    }
    signal.throwIfAborted();
    throw new LdapUnreachable(`no directory server let us in: ${reasons.join('; ')}`);
  }

  async #start(tls: ConnectionOptions): Promise<void> {
    const timer = setTimeout(() => {
      this.#socket()?.destroy(new Error('it took too long to connect, secure and bind'));
    }, this.#settings.connectTimeout);
    try {
      if (this.url.startsWith('ldap:') && this.#settings.tls.startTls === 'require') {
        const host = new URL(this.url).hostname.replace(/^\[(.*)\]$/, '$1');
        await this.#client.startTLS({ host, ...(isIP(host) === 0 && { servername: host }), ...tls });
        // What somebody put behind the answer, in the clear, is not to be the beginning of what is trusted.
        if (!this.#frames.isEmpty) throw new Error('octets in the clear behind the answer to STARTTLS');
      }
      await this.#bind();
    } finally {
      clearTimeout(timer);
    }
  }

  async #bind(): Promise<void> {
    const { bind } = this.#settings;
    if (bind.method === 'simple') await this.#client.bind(bind.dn, bind.password);
    else if (bind.method === 'plain')
      await this.#client.bindSASL('PLAIN', `\0${bind.user}\0${bind.password}`);
    else if (bind.method === 'external') await this.#client.bindSASL('EXTERNAL');
    else await this.#client.bind('', '');
  }

  /**
   * A simple bind as somebody else. Resolves when the password is theirs, rejects with ldapts's error of the result
   * code when it is not. Afterwards the connection is bound as they are or as nobody: it is good for nothing but the next bind.
   */
  async bindAs(dn: string, password: string): Promise<void> {
    this.#signal.throwIfAborted();
    this.#left = { octets: largestPage, messages: 1_000 };
    await Promise.race([this.#client.bind(dn, password), this.#lost]);
  }

  /** All entries of a search, a page at a time in memory. */
  async *search(search: Search): AsyncGenerator<RawEntry> {
    const size = search.pageSize ?? this.#settings.pageSize;
    let cookie: Buffer | undefined;
    let entries = 0;
    let emptyPages = 0;
    do {
      this.#signal.throwIfAborted();
      this.#cookie = undefined;
      // Referrals come besides entries.
      this.#left = { octets: largestPage, messages: size * 2 + 1_000 };
      const paged = search.scope === 'base' ? [] : [new PageRequest(size, cookie)];
      const answer = this.#client.search(search.base, optionsOf(search), [
        ...paged,
        ...(search.controls ?? []).map((oid) => new Control(oid, { critical: true })),
      ]);
      const { searchEntries } = await Promise.race([answer, this.#lost]);
      this.#signal.throwIfAborted();
      cookie = this.#newestCookie();
      entries += searchEntries.length;
      emptyPages = searchEntries.length === 0 ? emptyPages + 1 : 0;
      if (entries > mostEntries || emptyPages > mostEmptyPages) {
        throw new Error(`${this.url} gives page after page and no end: ${entries} entries so far`);
      }
      for (const entry of searchEntries) yield rawOf(entry);
    } while (cookie !== undefined && cookie.length > 0);
  }

  #newestCookie(): Buffer | undefined {
    return this.#cookie;
  }

  /** One entry, or undefined where there is none (or none that we may see). */
  async read(dn: string, attributes: readonly string[]): Promise<RawEntry | undefined> {
    try {
      for await (const entry of this.search({
        base: dn,
        filter: '(objectClass=*)',
        attributes,
        scope: 'base',
      })) {
        return entry;
      }
    } catch (error) {
      // noSuchObject, insufficientAccessRights.
      if (![32, 50].includes((error as { code?: number }).code ?? -1)) throw error;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    const gone = this.#client.unbind().catch(() => {});
    const limit = new Promise((resolve) => setTimeout(resolve, 1000).unref());
    await Promise.race([gone, limit]);
    this.#socket()?.destroy();
  }
}

const optionsOf = (search: Search): SearchOptions => ({
  scope: search.scope ?? 'sub',
  filter: search.filter,
  attributes: [...search.attributes],
  explicitBufferAttributes: binary,
});

/** RFC 2696. Not ldapts's own class, which search() keeps for itself; its answers are read as ldapts's own all the same. */
class PageRequest extends Control {
  readonly #inner: PagedResultsControl;

  constructor(size: number, cookie: Buffer | undefined) {
    super(PagedResultsControl.type, { critical: true });
    this.#inner = new PagedResultsControl({ value: { size, ...(cookie && { cookie }) } });
  }

  override writeControl(writer: Parameters<PagedResultsControl['writeControl']>[0]): void {
    this.#inner.writeControl(writer);
  }
}

function rawOf({ dn, ...attributes }: Entry): RawEntry {
  return new RawEntry(
    dn,
    Object.entries(attributes).map(([name, value]) => {
      const values: readonly RawValue[] = Array.isArray(value) ? value : [value];
      return [name, values] as const;
    }),
  );
}

async function tlsOptions(tls: LdapTls): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all(
    [tls.ca, tls.certificate?.cert, tls.certificate?.key].map((file) =>
      file === undefined ? undefined : readFile(file),
    ),
  );
  return {
    rejectUnauthorized: tls.verify,
    minVersion: 'TLSv1.2',
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

/** Result codes by name, certificates by what is wrong; never what we sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  const text = error.message.replace(/\s+/g, ' ').slice(0, 300);
  if (typeof code === 'string') return `${text} (${code})`;
  return typeof code === 'number' ? `${error.name.replace(/Error$/, '')}: ${text}` : text;
}
