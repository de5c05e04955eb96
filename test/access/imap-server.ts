/**
 * access/imap-server - imapd on the real store, with people whose password is `secret`.
 */

import { defaultImapOptions, type ImapDeps, type ImapOptions } from '../../src/access/imap/options.ts';
import { imapProtocol } from '../../src/access/imap/protocol.ts';
import { type AccessListener, startAccess } from '../../src/access/listener.ts';
import type { AccessListenerOptions } from '../../src/access/options.ts';
import { defaultAccessLimits } from '../../src/access/options.ts';
import type { Account } from '../../src/mail/mailbox.ts';
import type { Authenticator, AuthStep, Channel, Outcome } from '../../src/ports/authenticator.ts';
import { type Log, silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { openNotices } from '../../src/store/notices.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { openSearch } from '../../src/store/search.ts';
import { openTree, type Tree } from '../../src/store/tree.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { MemoryBlobs } from '../store/memory-blobs.ts';
import { atOnce } from '../store/search-parts.ts';
import { ImapTalk } from './imap-talk.ts';

/** Passwords only, each `secret`; a refusal by name for names that are called so. */
export const easyAuthenticator: Authenticator = {
  mechanisms: (channel) => (channel.tls || channel.remote === '127.0.0.1' ? ['PLAIN'] : []),
  async begin(mechanism, channel, initial): Promise<AuthStep> {
    if (mechanism !== 'PLAIN') return { kind: 'refused', because: 'mechanism' };
    const next = async (response: Uint8Array): Promise<AuthStep> => {
      const [, name = '', password = ''] = Buffer.from(response).toString().split('\0');
      return judge(name, password, channel);
    };
    if (initial !== undefined) return await next(initial);
    return { kind: 'challenge', octets: Buffer.alloc(0), isLast: false, next, cancel() {} };
  },
  password: async (name, password, channel) => judge(name, password, channel),
};

function judge(name: string, password: string, channel: Channel): Outcome {
  if (name === 'expired') return { kind: 'refused', because: 'expired' };
  if (name === 'away') return { kind: 'refused', because: 'unavailable' };
  if (password !== 'secret') return { kind: 'refused', because: 'credentials' };
  return {
    kind: 'in',
    login: {
      account: name.toLowerCase(),
      authenticatedAs: name,
      way: 'password',
      scope: new Set([channel.service]),
    },
  };
}

/** What is no fault of the client's is shown. */
export const bugsOnly: Log = {
  ...silentLog,
  error: (facts, text) => console.error(text, facts),
  child: () => bugsOnly,
};

export interface ImapServer extends AsyncDisposable {
  readonly port: number;
  readonly listener: AccessListener;
  readonly deps: ImapDeps;
  readonly tree: Tree;
  readonly database: FreshDatabase['database'];
  /** Connected, the greeting read. */
  connect(): Promise<ImapTalk>;
  /** Signed in. */
  as(name: string): Promise<ImapTalk>;
  account(name: string): Promise<Account>;
}

export interface ServerOptions {
  readonly imap?: Partial<ImapOptions>;
  readonly listener?: Partial<AccessListenerOptions>;
  readonly limits?: Partial<AccessListenerOptions['limits']>;
  readonly people?: readonly string[];
  readonly log?: Log;
  readonly authenticator?: Authenticator;
}

const noTls: AccessListenerOptions['tls'] = {
  mode: 'none',
  certificates: [],
  minVersion: 'TLSv1.2',
  clientCertificates: 'ignore',
};

export async function imapServer(options: ServerOptions = {}): Promise<ImapServer> {
  const fresh = await freshDatabase();
  const { database } = fresh;
  const now = (): Date => new Date();
  const log = options.log ?? bugsOnly;
  const notices = await openNotices({ database, self: 'test', log: silentLog });
  const tree = openTree({ database, changed: notices.changed, now });
  const messages = openMessages({
    database,
    blobs: new MemoryBlobs(now),
    changed: notices.changed,
    now,
    log: silentLog,
  });
  for (const name of options.people ?? ['ada', 'bob']) await tree.accounts.create({ name });
  const deps: ImapDeps = {
    ...tree,
    authenticator: options.authenticator ?? easyAuthenticator,
    openAccount: (login) => tree.accounts.byName(login.account),
    writing: messages,
    reading: messages,
    search: openSearch({
      database,
      messages,
      texts: { maker: atOnce, keep: true },
      limits: { readOctets: 1_000_000_000 },
      now,
      log: silentLog,
    }),
    watch: notices.watch,
  };
  const listener = await startAccess(
    {
      name: 'imap',
      address: '127.0.0.1',
      port: 0,
      tls: noTls,
      proxyProtocol: { networks: [] },
      ...options.listener,
      limits: { ...defaultAccessLimits, connectionsPerMinute: 0, ...options.limits },
    },
    imapProtocol({ ...defaultImapOptions, ...options.imap }, deps),
    { metrics: noMetrics, log, now },
  );
  const connect = async (): Promise<ImapTalk> => {
    const talk = ImapTalk.to(listener.port);
    await talk.greeting();
    return talk;
  };
  return {
    port: listener.port,
    listener,
    deps,
    tree,
    database,
    connect,
    async as(name) {
      const talk = await connect();
      await talk.ok(`LOGIN ${name} secret`);
      return talk;
    },
    async account(name) {
      const account = await tree.accounts.byName(name);
      if (account === undefined) throw new Error(`nobody is called ${name}`);
      return account;
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await messages.close();
      await notices[Symbol.asyncDispose]();
      await fresh.drop();
    },
  };
}
