/**
 * local/keys - the names under which an account's script memory keeps what was done (ports/scripts, ScriptMemory).
 */
import { createHash } from 'node:crypto';

const key = (...words: readonly string[]): string =>
  createHash('sha256').update(words.join('\0')).digest('hex');

/** RFC 7352; `id` is the interpreter's. */
export const duplicateKey = (id: string): string => key('duplicate', id);

/** This message made the mark: delivered once more, it is no duplicate of itself. */
export const firstKey = (id: string, queueId: string, recipient: string): string =>
  key('first', id, queueId, recipient);

/** One answer to one sender for one handle (RFC 5230 §4.2); `answer` is compose/vacation's. */
export const vacationKey = (answer: string): string => key('vacation', answer);

/** Something that a script sent for one message and recipient: it is not sent again when delivery is repeated. */
export const sentKey = (queueId: string, recipient: string, kind: string, to: string): string =>
  key('sent', queueId, recipient, kind, to);
