/**
 * access/imap/search-key - a search as the store understands it: what means something to this session alone (numbers,
 * `$`, \Recent) becomes UIDs.
 */
import type { SearchKey, SessionSearchKey } from '../../mail/search.ts';
import { uidRanges } from './numbers.ts';
import { bad } from './refusal.ts';
import type { View } from './view.ts';

export function resolveKey(view: View, key: SessionSearchKey, isUidOnly = false): SearchKey {
  switch (key.key) {
    case 'and':
    case 'or':
      return { key: key.key, keys: key.keys.map((one) => resolveKey(view, one, isUidOnly)) };
    case 'not':
      return { key: 'not', not: resolveKey(view, key.not, isUidOnly) };
    case 'sequence':
      if (isUidOnly && !key.uid && key.set !== '$')
        throw bad('There are no sequence numbers here', 'UIDREQUIRED');
      return { key: 'uids', ranges: uidRanges(view, key.set, key.uid, { lenient: true }) };
    case 'recent': {
      const recent: SearchKey = { key: 'uids', ranges: view.recent };
      return key.set ? recent : { key: 'not', not: recent };
    }
    default:
      return key;
  }
}

/** Whether such a key is anywhere in it. */
export function asks(key: SearchKey, wanted: SearchKey['key']): boolean {
  if (key.key === wanted) return true;
  if (key.key === 'and' || key.key === 'or') return key.keys.some((one) => asks(one, wanted));
  return key.key === 'not' && asks(key.not, wanted);
}
