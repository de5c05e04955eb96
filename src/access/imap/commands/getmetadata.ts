/** access/imap/commands/getmetadata - GETMETADATA (RFC 5464 §4.2), with MAXSIZE and DEPTH. */
import type { MetadataDepth } from '../../../protocol/imap/request/metadata.ts';
import { metadata } from '../../../protocol/imap/respond/rights.ts';
import { needAnnotated, notesOf } from '../metadata.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';

async function run({ session, user, command }: UserCall<Named<'GETMETADATA'>>): Promise<Done> {
  const known = await needAnnotated(user, command.mailbox);
  const notes = await notesOf(session, user, known?.folder);
  const { maxSize = Number.POSITIVE_INFINITY } = command;
  const entries: [string, Buffer | undefined][] = [];
  let longest = 0;
  for (const [name, value] of chosen(notes, command)) {
    const octets = value === undefined ? undefined : Buffer.from(value, 'latin1');
    if ((octets?.length ?? 0) <= maxSize) entries.push([name, octets]);
    else longest = Math.max(longest, octets?.length ?? 0);
  }
  if (entries.length > 0) session.say(metadata(known?.name ?? '', entries, session.dialect));
  if (longest === 0) return { text: 'That is noted' };
  // RFC 5464 §4.2.1
  const code = { code: 'METADATA', problem: 'LONGENTRIES', octets: longest } as const;
  return { text: 'Some are longer', code };
}

/** Those named, NIL where they are not there; with a depth, those that are there among what is below. */
function* chosen(
  notes: ReadonlyMap<string, string>,
  { entries, depth }: { readonly entries: readonly string[]; readonly depth: MetadataDepth },
): IterableIterator<readonly [string, string | undefined]> {
  if (depth === '0') {
    for (const entry of new Set(entries)) yield [entry, notes.get(entry.toLowerCase())];
    return;
  }
  const roots = new Set(entries.map((entry) => entry.toLowerCase()));
  for (const [name, value] of notes) if (isBelow(name, roots, depth)) yield [name, value];
}

/** Walks up from the entry: what is asked for may be a long list. */
function isBelow(name: string, roots: ReadonlySet<string>, depth: MetadataDepth): boolean {
  if (roots.has(name)) return true;
  for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
    if (roots.has(name.slice(0, at))) return true;
    if (depth === '1') return false;
  }
  return false;
}

export const getMetadata: Rule<'GETMETADATA'> = { where: 'authenticated', news: 'all', run };
