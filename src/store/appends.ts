/**
 * store/appends - appends of all callers in this process, gathered into shared commits.
 *
 * Each caller's is all or nothing and fails by itself; what is wrong with the database fails for all.
 */
import type { Database } from '../ports/database.ts';
import type { Append, Appended } from '../ports/messages.ts';
import { appendGroups } from './append.ts';
import type { Group } from './append-plan.ts';
import { eachResult } from './each-result.ts';
import { Gather } from './gather.ts';
import type { Touched, WriteOptions } from './write-options.ts';

/** Messages in one commit, unless one caller brings more. */
const mostMessages = 1000;

export interface Appends {
  append(messages: readonly Append[], grace: boolean): Promise<readonly Appended[]>;
  /** Resolves when all are through. */
  idle(): Promise<void>;
}

/** `touched` is called after each commit. */
export function openAppends(
  database: Database,
  options: WriteOptions,
  touched: (mailboxes: readonly Touched[]) => void,
): Appends {
  const gather = new Gather<Group, readonly Appended[] | Error>({
    together: options.limits.appendsTogether,
    atOnce: options.limits.commitsAtOnce,
    weight: mostMessages,
    weigh: ({ messages }) => messages.length,
    commit: (groups) =>
      eachResult<Group, readonly Appended[]>(groups, async (some) => {
        const done = await appendGroups(database, some, options);
        touched(done.touched);
        return done.results;
      }),
  });
  return {
    async append(messages, grace) {
      if (messages.length === 0) return [];
      const result = await gather.add({ messages, grace });
      if (result instanceof Error) throw result;
      return result;
    },
    idle: () => gather.idle(),
  };
}
