/**
 * main/housekeeping - what the store needs besides its visitors: what nobody keeps any longer is removed, and texts of
 * new messages are made searchable. On every node; the work is shared by the database.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Audit } from '../auth/audit.ts';
import { defaultPace, Indexer } from '../store/index-worker.ts';
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
  const forgetting = startForgetting(base);
  return {
    async close() {
      await forgetting.close();
      await sweeper.close();
      await indexer?.[Symbol.asyncDispose]();
    },
  };
}

const forgetEvery = 3_600_000;
const afterFailure = 60_000;

/** Entries of the audit that are old enough, and what scripts remembered until now. */
function startForgetting(base: Base): { close(): Promise<void> } {
  const { database, log } = base;
  const { auditKeep } = base.settings().config.auth;
  const audit = new Audit(database, now);
  const closing = new AbortController();
  const { signal } = closing;
  const forget = async (): Promise<number> => {
    try {
      await audit.forget(new Date(now().getTime() - auditKeep), signal);
      await sweepScriptMemory(database, now(), signal);
      return forgetEvery;
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'what is old could not be forgotten now');
      return afterFailure;
    }
  };
  const running = (async () => {
    while (!signal.aborted) await sleep(await forget(), undefined, { signal, ref: false }).catch(() => {});
  })();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
