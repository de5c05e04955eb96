/**
 * A POP3 listener before a small store, for tests.
 */
import { startAccess } from '../../../src/access/listener.ts';
import { type AccessListenerOptions, defaultAccessLimits } from '../../../src/access/options.ts';
import type { Pop3Deps, Pop3Options } from '../../../src/access/pop3/options.ts';
import { pop3 } from '../../../src/access/pop3/session.ts';
import { silentLog } from '../../../src/ports/log.ts';
import { noMetrics } from '../../../src/ports/metrics.ts';
import { certificate } from '../../fixture/tls.ts';
import { People } from '../people.ts';
import { SmallStore } from '../small-store.ts';

export const usual: Pop3Options = {
  product: 'Isthmus',
  lineLimit: 65_536,
  errors: 10,
  sessionsPerAccount: 20,
  loginDelay: 0,
};

/** Where the mail of ada and bob is; in memory when not said. */
export type Pop3Place = Pick<Pop3Deps, 'openAccount' | 'mailboxes' | 'reading' | 'writing'>;

export interface Pop3Ground {
  readonly place?: Pop3Place;
  readonly options?: Partial<Pop3Options>;
  readonly tls?: AccessListenerOptions['tls']['mode'];
  readonly limits?: Partial<AccessListenerOptions['limits']>;
  readonly now?: () => Date;
  /** Passwords may be said without TLS. */
  readonly plaintext?: boolean;
}

export async function servePop3(ground: Pop3Ground = {}) {
  const { cert, key } = await certificate(['mail.example.org']);
  const store = new SmallStore('ada', 'bob');
  const people = new People({ ada: 'secret', bob: 'other secret', carol: 'no account' });
  people.isSafeWithoutTls = ground.plaintext === true;
  const listener = await startAccess(
    {
      name: 'pop3',
      address: '127.0.0.1',
      port: 0,
      tls: {
        mode: ground.tls ?? 'optional',
        certificates: [{ cert, key }],
        minVersion: 'TLSv1.2',
        clientCertificates: 'ignore',
      },
      proxyProtocol: { networks: [] },
      limits: { ...defaultAccessLimits, ...ground.limits },
    },
    pop3(() => ({ ...usual, ...ground.options }), {
      authenticator: people,
      openAccount: async ({ account }) => store.account(account),
      mailboxes: store,
      reading: store,
      writing: store,
      ...ground.place,
    }),
    { metrics: noMetrics, log: silentLog, now: ground.now ?? (() => new Date()) },
  );
  return { listener, store, people };
}

export type Served = Awaited<ReturnType<typeof servePop3>>;
