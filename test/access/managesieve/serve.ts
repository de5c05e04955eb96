/**
 * A ManageSieve listener before scripts in memory and our own Sieve, for tests.
 */
import { startAccess } from '../../../src/access/listener.ts';
import type { Judgement, ManageSieveOptions } from '../../../src/access/managesieve/options.ts';
import { manageSieve } from '../../../src/access/managesieve/session.ts';
import { type AccessListenerOptions, defaultAccessLimits } from '../../../src/access/options.ts';
import { silentLog } from '../../../src/ports/log.ts';
import { noMetrics } from '../../../src/ports/metrics.ts';
import { compile } from '../../../src/sieve/compile.ts';
import { extensions } from '../../../src/sieve/vocabulary.ts';
import { certificate } from '../../fixture/tls.ts';
import { People } from '../people.ts';
import { SmallScripts, SmallStore } from '../small-store.ts';

export const usual: ManageSieveOptions = {
  product: 'Isthmus',
  lineLimit: 65_536,
  scriptSize: 2_000,
  errors: 10,
  sessionsPerAccount: 20,
  loginDelay: 0,
  extensions,
  notify: ['mailto'],
  redirects: 4,
};

export async function judge(script: string, name: string | undefined): Promise<Judgement> {
  const { problems } = await compile(script, name === undefined ? {} : { name });
  return {
    errors: problems.filter(({ severity }) => severity === 'error'),
    warnings: problems.filter(({ severity }) => severity !== 'error'),
  };
}

export interface SieveGround {
  readonly options?: Partial<ManageSieveOptions>;
  readonly tls?: AccessListenerOptions['tls']['mode'];
  readonly limits?: Partial<AccessListenerOptions['limits']>;
  readonly now?: () => Date;
  /** Passwords may be said without TLS. */
  readonly plaintext?: boolean;
}

export async function serveManageSieve(ground: SieveGround = {}) {
  const { cert, key } = await certificate(['mail.example.org']);
  const store = new SmallStore('ada', 'bob');
  const scripts = new SmallScripts();
  const people = new People({ ada: 'secret', bob: 'other secret', carol: 'no account' });
  people.isSafeWithoutTls = ground.plaintext === true;
  const listener = await startAccess(
    {
      name: 'managesieve',
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
    manageSieve(() => ({ ...usual, ...ground.options }), {
      authenticator: people,
      openAccount: async ({ account }) => store.account(account),
      scripts,
      judge,
    }),
    { metrics: noMetrics, log: silentLog, now: ground.now ?? (() => new Date()) },
  );
  return { listener, store, scripts, people };
}

export type Served = Awaited<ReturnType<typeof serveManageSieve>>;
