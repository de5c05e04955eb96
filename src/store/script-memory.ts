/**
 * store/script-memory - what `duplicate` and `vacation` remember (ports/scripts, ScriptMemory).
 *
 * Keys are kept as their SHA-256, so that their length is nobody's concern. An account remembers a bounded number:
 * beyond, what ends first is forgotten, which at worst lets a duplicate or a second vacation answer through.
 */
import { createHash } from 'node:crypto';
import type { AccountId } from '../mail/mailbox.ts';
import type { Database } from '../ports/database.ts';
import type { ScriptMemory } from '../ports/scripts.ts';
import { inStoreWords } from './faults.ts';

export interface ScriptMemoryOptions {
  readonly database: Database;
  readonly limits: { readonly remembered: number };
}

export const usuallyRemembered = 10_000;
const portion = 5_000;

const kept = (key: string): Buffer => createHash('sha256').update(key).digest();

export function openScriptMemory({ database, limits }: ScriptMemoryOptions): ScriptMemory {
  const bound = (account: AccountId): Promise<unknown> =>
    database.query(
      `delete from script_memory where account = $1 and key in (
         select key from script_memory where account = $1 order by until
         limit greatest(0, (select count(*) from script_memory where account = $1) - $2))`,
      [account, limits.remembered],
    );
  return {
    has: (account, key, now) =>
      inStoreWords(async () => {
        const rows = await database.query(
          'select from script_memory where account = $1 and key = $2 and until > $3',
          [account, kept(key), now],
        );
        return rows.length > 0;
      }),
    remember: (account, key, until) =>
      inStoreWords(async () => {
        await database.query(
          `insert into script_memory (account, key, until) select id, $2, $3 from account where id = $1
           on conflict (account, key) do update set until = excluded.until`,
          [account, kept(key), until],
        );
        await bound(account);
      }),
    claim: (account, key, now, until) =>
      inStoreWords(async () => {
        const rows = await database.query(
          `insert into script_memory (account, key, until) select id, $2, $4 from account where id = $1
           on conflict (account, key) do update set until = excluded.until where script_memory.until <= $3
           returning key`,
          [account, kept(key), now, until],
        );
        if (rows.length > 0) await bound(account);
        return rows.length > 0;
      }),
  };
}

/** Forgets what has ended, in portions; to be called now and then. How many keys it forgot. */
export async function sweepScriptMemory(database: Database, now: Date, signal: AbortSignal): Promise<number> {
  for (let forgotten = 0; ; ) {
    signal.throwIfAborted();
    const rows = await inStoreWords(() =>
      database.query(
        `delete from script_memory where (account, key) in (
           select account, key from script_memory where until <= $1 order by until limit ${portion})
         returning key`,
        [now],
      ),
    );
    forgotten += rows.length;
    if (rows.length < portion) return forgotten;
  }
}
