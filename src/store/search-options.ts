/**
 * store/search-options - what searching needs, and its bounds.
 */
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Reading } from '../ports/messages.ts';
import type { TextBounds, TextMaker } from './text-read.ts';

export interface SearchLimits {
  /** Octets of messages that one search may read because their text is not kept. */
  readonly readOctets: number;
}

export interface TextOptions {
  /** Makes texts that are not kept; usually a TextProcess. */
  readonly maker: TextMaker;
  /** Texts that were made for a search are kept, as the indexer keeps them; not so where bodies are sealed. */
  readonly keep: boolean;
  /** The same for whoever makes texts. */
  readonly bounds?: TextBounds;
}

export interface SearchOptions {
  readonly database: Database;
  readonly messages: Pick<Reading, 'content'>;
  readonly texts: TextOptions;
  readonly limits: SearchLimits;
  readonly now: () => Date;
  readonly log: Log;
}
