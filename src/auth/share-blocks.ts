/**
 * auth/share-blocks - a block that begins in one process holds in all, on all nodes, by notices of the database.
 * Best effort: a notice that is lost leaves a guesser as many tries more as another process gives.
 */
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Block, Throttle } from './throttle.ts';

const channel = 'isthmus_auth_block';
/** A notice has 8000 octets at most. */
const keyLongest = 1000;

/** Tells others; to be handed to the Throttle as `blocked`. */
export const tellBlock =
  (database: Pick<Database, 'notify'>, log: Log) =>
  (block: Block): void => {
    if (block.key.length > keyLongest) return;
    database.notify(channel, JSON.stringify(block)).catch((error: unknown) => {
      log.warn({ error }, 'other processes could not be told of a block');
    });
  };

/** Hears others, and itself, which changes nothing. */
export const hearBlocks = (
  database: Pick<Database, 'listen'>,
  throttle: Throttle,
): Promise<AsyncDisposable> =>
  database.listen(channel, (payload) => {
    const block = parseBlock(payload);
    if (block) throttle.apply(block);
  });

/** undefined for what is none: the empty notice after a reconnect, or anything that others send on our channel. */
function parseBlock(payload: string): Block | undefined {
  let said: Partial<Block> | null = null;
  try {
    said = JSON.parse(payload) as Partial<Block> | null;
  } catch {}
  const { kind, key, until } = said ?? {};
  if ((kind !== 'account' && kind !== 'network') || typeof key !== 'string') return undefined;
  return typeof until === 'number' ? { kind, key, until } : undefined;
}
