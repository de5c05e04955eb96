/**
 * main/local-delivery - mail into the mailboxes here, as one process does it: as an agent of the queue, and while an
 * LMTP client waits.
 */
import { openAtOnce } from '../local/at-once.ts';
import { type Local, openLocal } from '../local/deliver-here.ts';
import type { LocalOptions, LocalPolicy } from '../local/options.ts';
import type { LocalDelivery } from '../ports/local-delivery.ts';
import type { Spool } from '../ports/spool.ts';
import type { Trace } from '../ports/trace.ts';
import { usualVacation } from '../sieve/compose/vacation.ts';
import { defaultLimits } from '../sieve/limits.ts';
import { type Base, now, random } from './base.ts';
import { type Hosting, openHosting } from './hosting.ts';
import { isHere } from './outlet.ts';
import { globalScriptIn } from './script-judge.ts';
import type { Settings } from './settings.ts';
import { localSourceOf } from './sources.ts';

export interface LocalParts {
  readonly agent: Local;
  readonly atOnce: LocalDelivery;
  readonly hosting: Hosting;
}

/** Some site is the store of this installation. */
export const hostsMail = ({ config }: Settings): boolean =>
  Object.values(config.sites).some(({ nextHops }) => nextHops.some(({ protocol }) => protocol === 'local'));

/** `spool` takes what scripts send. */
export async function openLocalDelivery(base: Base, spool: Spool, trace: Trace): Promise<LocalParts> {
  const { log, metrics, directory } = base;
  const hosting = await openHosting(base);
  const { accounts, mailboxes, annotations, scripts, memory, messages } = hosting;
  const options: LocalOptions = {
    ...{
      accounts,
      mailboxes,
      annotations,
      scripts,
      memory,
      directory,
      spool,
      trace,
      log,
      metrics,
      now,
      random,
    },
    writing: messages,
    reading: messages,
    globalScript: globalScriptIn(() => base.settings().scripts.global),
    policy: () => policyOf(base.settings()),
  };
  const agent = openLocal(options);
  return {
    agent,
    atOnce: openAtOnce({ ...options, local: agent, isHere: (hop) => isHere(base.settings(), hop) }),
    hosting,
  };
}

/** Octets; what a message may take of memory while it is delivered. */
const memory = { message: 1 << 20, body: 32 << 20, bodiesAtOnce: 2 } as const;
const compiledScripts = 1_000;

function policyOf({ config, scripts }: Settings): LocalPolicy {
  const { local, hostname } = config;
  const { sieve } = local;
  const seconds = (milliseconds: number) => Math.round(milliseconds / 1_000);
  return {
    hostname,
    localSource: localSourceOf(config),
    detailSeparator: config.directory.detailSeparator,
    detailFolder: local.detailFolder,
    overQuota: local.overQuota,
    disabled: local.disabled,
    redirectSender: sieve.redirectSender,
    createFolders: sieve.createFolders,
    maxHops: 50,
    messageLimit: Number.MAX_SAFE_INTEGER,
    headerLimit: 256 * 1024,
    memoryLimit: memory.message,
    bodyLimit: memory.body,
    bodiesAtOnce: memory.bodiesAtOnce,
    recipientsAtOnce: local.recipientsAtOnce,
    before: scripts.before,
    after: scripts.after,
    compiledLimit: compiledScripts,
    sieve: {
      ...defaultLimits,
      scriptSize: config.store.limits.scriptSize,
      actions: sieve.actions,
      redirects: sieve.redirects,
      notifications: sieve.notifications,
      textSize: sieve.textSize,
      vacationLeast: seconds(sieve.vacation.least),
      vacationUsual: seconds(sieve.vacation.usual),
      vacationMost: seconds(sieve.vacation.most),
    },
    vacation: usualVacation,
  };
}
