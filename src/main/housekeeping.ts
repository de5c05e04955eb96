/**
 * main/housekeeping - what the store needs besides its visitors: what nobody keeps any longer is removed, texts of new
 * messages are made searchable, and bodies are sealed by the newest key. On every node; the work is shared by the database.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Audit } from '../auth/audit.ts';
import type { Database } from '../ports/database.ts';
import { defaultPace, Indexer } from '../store/index-worker.ts';
import type { Messages } from '../store/open-messages.ts';
import { sweepScriptMemory } from '../store/script-memory.ts';
import { startSweeper } from '../store/sweep.ts';
import { type Base, now } from './base.ts';
import { type Hosting, keepsTexts, textBounds } from './hosting.ts';

export function startHousekeeping(
  base: Base,
  { blobs, messages, texts }: Hosting,
): { close(): Promise<void> } {
  const { config } = base.settings();
  const { database, log } = base;
  const sweeper = startSweeper({
    ...{ database, blobs, now, log },
    keepExpunged: config.store.keepExpunged,
    every: config.store.sweepEvery,
  });
  const indexer = keepsTexts(config)
    ? new Indexer({ ...defaultPace, database, messages, maker: texts, bounds: textBounds(config), now, log })
    : undefined;
  const forgetting = hourly(base, 'what is old could not be forgotten now', (signal) => forget(base, signal));
  const sealing =
    base.settings().storeKeys.length === 0
      ? undefined
      : hourly(base, 'bodies could not be sealed by the newest key now', (signal) =>
          seal(database, messages, signal),
        );
  return {
    async close() {
      await forgetting.close();
      await sealing?.close();
      await sweeper.close();
      await indexer?.[Symbol.asyncDispose]();
    },
  };
}

const every = 3_600_000;
const afterFailure = 60_000;

/** Entries of the audit that are old enough, and what scripts remembered until now. */
async function forget({ database, settings }: Base, signal: AbortSignal): Promise<void> {
  const { auditKeep } = settings().config.auth;
  await new Audit(database, now).forget(new Date(now().getTime() - auditKeep), signal);
  await sweepScriptMemory(database, now(), signal);
}

/** "stor" in ASCII; 0 is the sweep's. */
const sealLock = { group: 0x73746f72, id: 1 } as const;

/** Bodies that an older key sealed, or none: on one node at a time. */
async function seal(database: Database, messages: Messages, signal: AbortSignal): Promise<void> {
  await using lock = await database.tryLock(sealLock.group, sealLock.id);
  if (lock !== undefined) await messages.reseal({ clear: true }, AbortSignal.any([signal, lock.lost]));
}

function hourly(
  { log }: Base,
  trouble: string,
  work: (signal: AbortSignal) => Promise<void>,
): { close(): Promise<void> } {
  const closing = new AbortController();
  const { signal } = closing;
  const once = (): Promise<number> =>
    work(signal).then(
      () => every,
      (error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, trouble);
        return afterFailure;
      },
    );
  const running = (async () => {
    while (!signal.aborted) await sleep(await once(), undefined, { signal, ref: false }).catch(() => {});
  })();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
