/**
 * store/search-options - what searching needs, and its bounds.
 */
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Reading } from '../ports/messages.ts';

export interface SearchLimits {
  /** Octets of messages that one search may read because their text is not kept. */
  readonly readOctets: number;
}

export interface SearchOptions {
  readonly database: Database;
  readonly messages: Pick<Reading, 'content'>;
  readonly limits: SearchLimits;
  readonly now: () => Date;
  readonly log: Log;
}
