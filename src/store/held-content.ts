/**
 * store/held-content - bodies are kept by the hash of their octets, so that a mailbox can be asked for one.
 */
import type { Database } from '../ports/database.ts';
import type { HeldContent } from '../ports/held-content.ts';
import { inStoreWords } from './faults.ts';

export const openHeldContent = (database: Database): HeldContent => ({
  has: (mailbox, sha256) =>
    inStoreWords(async () => {
      const rows = await database.query(
        `select from body b join mailbox_message m on m.body = b.id where b.hash = $2 and m.mailbox = $1 limit 1`,
        [mailbox, sha256],
      );
      return rows.length > 0;
    }),
});
