/**
 * main/entrance - who may enter, as one process judges it: the gatekeeper with everything it asks.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostedAndListed } from '../auth/account-finder.ts';
import { AppPasswords } from '../auth/app-passwords.ts';
import { Audit } from '../auth/audit.ts';
import { mailAddressInCertificate } from '../auth/certificate-names.ts';
import { Credentials } from '../auth/credentials.ts';
import { Gatekeeper } from '../auth/gatekeeper.ts';
import { LocalPasswords } from '../auth/local-passwords.ts';
import { Masters } from '../auth/masters.ts';
import { PasswordHasher, usualCost } from '../auth/password-hash.ts';
import { sharedSecret } from '../auth/secrets.ts';
import { hearBlocks, tellBlock } from '../auth/share-blocks.ts';
import { SignInNotes } from '../auth/sign-in-notes.ts';
import { Throttle, usualThrottle } from '../auth/throttle.ts';
import { networkOf } from '../listen/networks.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import { saslMechanisms } from '../protocol/sasl/begin.ts';
import { type Base, now } from './base.ts';

export interface Entrance {
  readonly authenticator: Authenticator;
  close(): Promise<void>;
}

export async function openEntrance(
  base: Base,
  { accounts }: { readonly accounts: Accounts },
): Promise<Entrance> {
  const { database, log, metrics, directory } = base;
  const hasher = new PasswordHasher({ cost: usualCost, atOnce: 2, waiting: 200 }, randomBytes);
  const credentials = new Credentials(
    database,
    hasher,
    { shortest: 8, scramIterations: undefined },
    { now, randomBytes },
  );
  const throttle = new Throttle(usualThrottle, {
    networkOf,
    isTrusted: () => false,
    now: Date.now,
    secret: randomBytes(32),
    blocked: tellBlock(database, log),
  });
  const blocks = await hearBlocks(database, throttle);
  const notes = new SignInNotes({ audit: new Audit(database, now), networkOf, log, now: Date.now });
  const authenticator = new Gatekeeper(
    {
      mechanisms: new Set(saslMechanisms),
      defaultDomain: undefined,
      masterSeparator: '*',
      failureDelay: 1_000,
      scramIterations: 4_096,
    },
    {
      passwords: [
        new AppPasswords(database, { now, randomBytes, log }),
        new LocalPasswords(credentials, hasher, { now: Date.now, secret: randomBytes(32), log }),
      ],
      tokens: [],
      certificates: mailAddressInCertificate,
      accounts: new HostedAndListed(accounts, directory),
      delegates: new Masters([], undefined),
      throttle,
      notes,
      isSafeWithoutTls: () => false,
      log,
      now: Date.now,
      sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
      randomBytes,
    },
  );
  void metrics;
  void sharedSecret;
  return {
    authenticator,
    async close() {
      await blocks[Symbol.asyncDispose]();
    },
  };
}
