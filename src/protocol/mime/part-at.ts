/**
 * protocol/mime/part-at - which part a section number means (RFC 9051 §6.4.5.1): `4.2.2.1`.
 *
 * Numbers go through a multipart's parts. A message that is no multipart has itself as part 1, and so has a message
 * within a message.
 */
import type { EmbeddedMessage, Part } from '../../mail/structure.ts';

/** `path` empty: the message as a whole. Undefined where there is no such part. */
export function partAt(message: EmbeddedMessage, path: readonly number[]): Part | undefined {
  let within: Part | undefined = message.root;
  let part: Part | undefined = message.root;
  for (const number of path) {
    part = within?.kind === 'multipart' ? within.parts[number - 1] : number === 1 ? within : undefined;
    within = part?.kind === 'message' ? part.message?.root : part?.kind === 'multipart' ? part : undefined;
  }
  return part;
}
