/**
 * A gatekeeper as the wiring makes one, over a real database, with a clock and work that can be counted.
 */
import { randomBytes } from 'node:crypto';
import { AppPasswords } from '../../src/auth/app-passwords.ts';
import { Audit } from '../../src/auth/audit.ts';
import { Credentials } from '../../src/auth/credentials.ts';
import { Gatekeeper } from '../../src/auth/gatekeeper.ts';
import { LocalPasswords } from '../../src/auth/local-passwords.ts';
import { Masters } from '../../src/auth/masters.ts';
import type { GateDeps, GateOptions, KnownAccount, SignInEvent } from '../../src/auth/options.ts';
import { type HashCost, nodeArgon2, PasswordHasher } from '../../src/auth/password-hash.ts';
import { sharedSecret } from '../../src/auth/secrets.ts';
import { SignInNotes } from '../../src/auth/sign-in-notes.ts';
import { Throttle, usualThrottle } from '../../src/auth/throttle.ts';
import { type Channel, type Service, services } from '../../src/ports/authenticator.ts';
import type { Database } from '../../src/ports/database.ts';
import { type Log, silentLog } from '../../src/ports/log.ts';
import { saslMechanisms } from '../../src/protocol/sasl/begin.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

/** Quick, as nothing is guessed here. */
export const quickCost: HashCost = { memory: 64, passes: 1, parallelism: 1 };

export const channel = (over: Partial<Channel> = {}): Channel => ({
  service: 'imap',
  remote: '192.0.2.1',
  tls: true,
  channelBindings: new Map(),
  ...over,
});

export interface Line {
  readonly level: string;
  readonly facts: Record<string, unknown>;
  readonly text: string;
}

let shared: Promise<FreshDatabase> | undefined;

/** One database for all tests of a file, emptied for each; to be closed after the last. */
async function emptyDatabase(): Promise<Database> {
  shared ??= freshDatabase();
  const { database } = await shared;
  await database.query('truncate credential, app_password, sign_in_audit, auth_secret');
  return database;
}

export const closeDatabase = async (): Promise<void> => (await shared)?.drop();

export async function openGate(over: Partial<GateDeps> = {}, options: Partial<GateOptions> = {}) {
  const database = await emptyDatabase();
  const clock = { now: Date.UTC(2026, 10, 29) };
  const now = () => clock.now;
  const today = () => new Date(clock.now);
  const hashed: { readonly memory: number; readonly passes: number }[] = [];
  const slept: number[] = [];
  const events: SignInEvent[] = [];
  const lines: Line[] = [];
  const log: Log = {
    ...silentLog,
    info: (facts, text) => lines.push({ level: 'info', facts: { ...facts }, text }),
    warn: (facts, text) => lines.push({ level: 'warn', facts: { ...facts }, text }),
    error: (facts, text) => lines.push({ level: 'error', facts: { ...facts }, text }),
  };
  const hasher = new PasswordHasher(
    { cost: quickCost, atOnce: 2, waiting: 10 },
    randomBytes,
    (parameters) => {
      hashed.push({ memory: parameters.memory, passes: parameters.passes });
      return nodeArgon2(parameters);
    },
  );
  const credentials = new Credentials(
    database,
    hasher,
    { shortest: 3, scramIterations: 4096 },
    { now: today, randomBytes },
  );
  const local = new LocalPasswords(credentials, hasher, { now, secret: randomBytes(16), log });
  const appPasswords = new AppPasswords(database, { now: today, randomBytes, log });
  const audit = new Audit(database, today);
  const networkOf = (remote: string) => remote;
  const notes = new SignInNotes({ audit, networkOf, log, now });
  const throttle = new Throttle(usualThrottle, {
    networkOf,
    isTrusted: () => false,
    now,
    secret: randomBytes(16),
  });
  const accounts = new Map<string, KnownAccount>();
  const people = (names: readonly string[], scope: readonly Service[] = services) => {
    for (const name of names) accounts.set(name, { account: name, scope: new Set(scope) });
  };
  const deps: GateDeps = {
    passwords: [appPasswords, local],
    scram: {
      keys: (name) => local.scramKeys(name),
      secret: await sharedSecret(database, 'fake salts', randomBytes),
    },
    tokens: [],
    accounts: { find: async (name) => accounts.get(name) },
    delegates: new Masters([{ name: 'root', services: [], domains: [] }], 'example.org'),
    throttle,
    notes,
    isSafeWithoutTls: (remote) => remote === '127.0.0.1',
    log,
    heard: (event) => events.push(event),
    now,
    sleep: async (ms) => {
      slept.push(ms);
    },
    randomBytes,
    ...over,
  };
  const gate = new Gatekeeper(
    {
      mechanisms: new Set(saslMechanisms),
      defaultDomain: 'example.org',
      masterSeparator: '*',
      failureDelay: 2000,
      scramIterations: 4096,
      ...options,
    },
    deps,
  );
  return {
    gate,
    database,
    clock,
    credentials,
    local,
    appPasswords,
    audit,
    notes,
    throttle,
    accounts,
    people,
    hashed,
    slept,
    events,
    lines,
    [Symbol.asyncDispose]: () => notes.settled(),
  };
}

export type Gate = Awaited<ReturnType<typeof openGate>>;
