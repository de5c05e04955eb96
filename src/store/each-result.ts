/**
 * store/each-result - what many do in one commit, with its result or error for each.
 */
import { DatabaseAway, DatabaseFull } from '../ports/database.ts';

/** Where one of several spoils a commit, each has its own. What is wrong with the database is thrown. */
export async function eachResult<Item, Result>(
  items: readonly Item[],
  commit: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
): Promise<readonly (Result | Error)[]> {
  try {
    return await commit(items);
  } catch (error) {
    if (error instanceof DatabaseAway || error instanceof DatabaseFull) throw error;
    if (items.length === 1) return [error instanceof Error ? error : new Error(String(error))];
    const results: (Result | Error)[] = [];
    for (const item of items) results.push(...(await eachResult([item], commit)));
    return results;
  }
}
