/**
 * main/entrance - who may enter, as one process judges it: the gatekeeper with everything it asks.
 *
 * What is said under `auth` holds from the start of the process; a change waits for a restart.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostedAndListed } from '../auth/account-finder.ts';
import { openAuth } from '../auth/open.ts';
import { NetworkSet, networkOf } from '../listen/networks.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import { type Base, now } from './base.ts';
import { makePasswordVerifiers, makeTokenVerifiers } from './verifiers.ts';

export interface Entrance {
  readonly authenticator: Authenticator;
  close(): Promise<void>;
}

export async function openEntrance(
  base: Base,
  { accounts }: { readonly accounts: Accounts },
): Promise<Entrance> {
  const { database, log, metrics, directory } = base;
  const { config } = base.settings();
  const withoutTls = new NetworkSet(config.auth.withoutTls);
  const trusted = new NetworkSet(config.auth.throttle.trusted);
  const auth = await openAuth(config.auth, {
    database,
    accounts: new HostedAndListed(accounts, directory),
    passwords: makePasswordVerifiers(config),
    tokens: makeTokenVerifiers(base.settings(), Date.now),
    networkOf,
    isTrusted: (remote) => trusted.has(remote),
    isSafeWithoutTls: (remote) => withoutTls.has(remote),
    log,
    heard: ({ service, mechanism, outcome }) =>
      metrics.count('isthmus_sign_ins_total', { service, mechanism, outcome }),
    now,
    sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
    randomBytes,
  });
  return {
    authenticator: auth.authenticator,
    close: async () => auth[Symbol.asyncDispose](),
  };
}
