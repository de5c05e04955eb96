/**
 * access/imap/key-elsewhere - a search in a mailbox that is not selected: numbers are what they are there at this instant.
 */
import type { MailboxId } from '../../mail/mailbox.ts';
import type { SearchKey, SessionSearchKey } from '../../mail/search.ts';
import type { UidRange } from '../../mail/uid-set.ts';
import type { Snapshot } from '../../ports/messages.ts';
import { bad } from './refusal.ts';
import type { Session } from './session.ts';

/** Looks at the mailbox only where the key asks for what is in it. */
export async function keyElsewhere(
  session: Session,
  mailbox: MailboxId,
  key: SessionSearchKey,
): Promise<SearchKey> {
  if (!isOfSession(key)) return key as SearchKey;
  const snapshot = await session.deps.reading.snapshot(mailbox);
  return resolve(snapshot, key);
}

function isOfSession(key: SessionSearchKey): boolean {
  if (key.key === 'and' || key.key === 'or') return key.keys.some(isOfSession);
  return key.key === 'not' ? isOfSession(key.not) : key.key === 'sequence' || key.key === 'recent';
}

function resolve(snapshot: Snapshot, key: SessionSearchKey): SearchKey {
  switch (key.key) {
    case 'and':
    case 'or':
      return { key: key.key, keys: key.keys.map((one) => resolve(snapshot, one)) };
    case 'not':
      return { key: 'not', not: resolve(snapshot, key.not) };
    case 'sequence': {
      const { set } = key;
      if (set === '$') throw bad('What was saved is of the selected mailbox alone');
      return { key: 'uids', ranges: set.flatMap((range) => rangeIn(snapshot, range, key.uid)) };
    }
    case 'recent': {
      const { recentFrom } = snapshot.status;
      const recent: SearchKey = { key: 'uids', ranges: [{ first: recentFrom, last: 4_294_967_295 }] };
      return key.set ? recent : { key: 'not', not: recent };
    }
    default:
      return key;
  }
}

/** Beyond the end there is nothing to find, which is no fault (RFC 7377 §2). */
function rangeIn(
  { uids }: Snapshot,
  { first, last }: { readonly first: number | '*'; readonly last: number | '*' },
  isUid: boolean,
): readonly UidRange[] {
  const end = isUid ? (uids.at(uids.size) ?? 0) : uids.size;
  const [one, other] = [first === '*' ? end : first, last === '*' ? end : last];
  const [from, to] = [Math.min(one, other), Math.max(one, other)];
  if (isUid) return [{ first: from, last: to }];
  const [low, high] = [uids.at(from), uids.at(Math.min(to, uids.size))];
  return low === undefined || high === undefined ? [] : [{ first: low, last: high }];
}
