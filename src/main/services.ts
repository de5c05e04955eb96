/**
 * main/services - what commands work with, opened straight on the database of the running node.
 */
import { randomBytes } from 'node:crypto';
import { readConfig } from '../../config/load.ts';
import { mailFiles } from '../../connectors/mail-files/open.ts';
import { type Hosted, PasswordNotPossible, type Passwords, type Services } from '../admin/services.ts';
import { AppPasswordRefused } from '../auth/app-passwords.ts';
import { PasswordRefused } from '../auth/credentials.ts';
import { openCredentials } from '../auth/open.ts';
import { PgHomes } from '../directory/pg-homes.ts';
import { requestRefresh } from '../directory/refresher.ts';
import { queueControl } from '../queue/control.ts';
import { openTrace } from '../queue/trace.ts';
import { openFsck } from '../store/fsck.ts';
import { openHeldContent } from '../store/held-content.ts';
import { openRestore } from '../store/restore.ts';
import { type Base, now, openBase } from './base.ts';
import { databaseUrl, installationOf, openBlobs } from './ground.ts';
import { openHosting } from './hosting.ts';
import { defaultFile, loadOptions } from './load.ts';
import { makeSettings } from './settings.ts';
import { localSourceOf } from './sources.ts';
import { toldAccounts } from './told-accounts.ts';

/** Few: a command is one of many clients. */
const connections = 3;

/** Throws ConfigError, or an Error that says that the server does not run. */
export async function openServices(configFile: string | undefined): Promise<Services> {
  const loaded = readConfig(configFile ?? defaultFile(), loadOptions());
  const { config } = loaded;
  const quiet = { ...config, log: { ...config.log, level: 'silent' as const } };
  const settings = makeSettings(
    { ...loaded, config: quiet },
    { databaseUrl: databaseUrl(config), installation: '', user: undefined },
  );
  const base = await openBase('command', settings, connections);
  const { database, directory, routing, compiled, log, metrics } = base;
  const installation = await installationOf(database);
  const blobs = await openBlobs(config, installation, log, now);
  const hosted = hostedOnce({ ...base, settings: () => ({ ...base.settings(), installation }) });
  const trace = openTrace({ database, log, metrics });
  return {
    queue: queueControl({ database, blobs, now, hostname: config.hostname }),
    trace,
    directory,
    homes: new PgHomes(database, now, directory),
    routing,
    compiled: compiled(),
    sites: Object.keys(config.sites),
    refreshDirectory: (wish) => requestRefresh(database, wish),
    hosted: hosted.open,
    async close() {
      await hosted.close();
      await trace.close();
      await base.close();
    },
  };
}

interface OpenHosted extends Hosted {
  close(): Promise<void>;
}

/** Most commands need no mailboxes. */
function hostedOnce(base: Base): { open(): Promise<Hosted>; close(): Promise<void> } {
  let opened: Promise<OpenHosted> | undefined;
  return {
    open() {
      opened ??= openHosted(base);
      return opened;
    },
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

async function openHosted(base: Base): Promise<OpenHosted> {
  const { database, log } = base;
  const hosting = await openHosting(base);
  const source = localSourceOf(base.settings().config);
  return {
    ...hosting,
    accounts:
      source === undefined
        ? hosting.accounts
        : toldAccounts(hosting.accounts, () => requestRefresh(database, { source }), log),
    check: openFsck({ database, blobs: hosting.blobs, reading: hosting.messages, now }),
    restore: openRestore(database),
    held: openHeldContent(database),
    files: mailFiles,
    passwords: passwordsOf(base),
    close: () => hosting.close(),
  };
}

function passwordsOf(base: Base): Passwords {
  const { database, log } = base;
  const { credentials, appPasswords } = openCredentials(base.settings().config.auth, {
    database,
    log,
    now,
    randomBytes,
  });
  return {
    move: (account, to, by) => credentials.move(account, to, by),
    async set(account, password, by) {
      if (password === undefined) await credentials.removePassword(account, by);
      else await inOurWords(() => credentials.setPassword(account, password, by));
    },
    addApp: (wish) => inOurWords(() => appPasswords.add(wish)),
    listApp: (account) => appPasswords.list(account),
    revokeApp: (account, id, by) => appPasswords.revoke(account, id, by),
  };
}

async function inOurWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof PasswordRefused || thrown instanceof AppPasswordRefused)
      throw new PasswordNotPossible(thrown.message, { cause: thrown });
    throw thrown;
  }
}
