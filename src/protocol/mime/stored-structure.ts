/**
 * protocol/mime/stored-structure - a message's structure as text for a store, and back.
 */
import type { MessageStructure } from '../../mail/structure.ts';

/** Counts up when the stored form changes its meaning. */
const version = 1;

export const writeStructure = (structure: MessageStructure): string =>
  JSON.stringify({ version, ...structure });

/** Throws when the text is of another version: scan the message again. */
export function readStructure(text: string): MessageStructure {
  const { version: found, ...structure } = JSON.parse(text) as MessageStructure & { version?: number };
  if (found !== version) {
    throw new Error(
      `stored message structure has version ${found ?? 'none'}, not ${version}: scan the message again`,
    );
  }
  return structure;
}
