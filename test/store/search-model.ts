/** Searching as the RFC says it, over messages in memory, one by one: what the store's answers are held against. */
import { flagBits } from '../../src/mail/mailbox.ts';
import type { Day, SearchKey } from '../../src/mail/search.ts';
import type { Put } from './search-parts.ts';
import { now } from './search-parts.ts';

/** How a text is looked for in one message. */
export type TextModel = (
  message: Put,
  key: Extract<SearchKey, { readonly key: 'header' | 'body' | 'text' }>,
) => boolean;

const noText: TextModel = () => {
  throw new Error('no text here');
};

const dayNumber = ({ year, month, day }: Day): number => Date.UTC(year, month - 1, day) / 86_400_000;

const isOn = (date: Date | string | undefined, is: 'before' | 'on' | 'since', day: Day): boolean => {
  if (date === undefined) return false;
  const at = Math.floor(new Date(date).getTime() / 86_400_000);
  const asked = dayNumber(day);
  return is === 'before' ? at < asked : is === 'on' ? at === asked : at >= asked;
};

export function matches(message: Put, key: SearchKey, text: TextModel = noText): boolean {
  switch (key.key) {
    case 'all':
    case 'saveDateSupported':
      return true;
    case 'and':
      return key.keys.every((each) => matches(message, each, text));
    case 'or':
      return key.keys.some((each) => matches(message, each, text));
    case 'not':
      return !matches(message, key.not, text);
    case 'flag':
      return (((message.system ?? 0) & flagBits[key.flag]) !== 0) === key.set;
    case 'keyword':
      return (
        (message.keywords ?? []).some((each) => each.toLowerCase() === key.keyword.toLowerCase()) === key.set
      );
    case 'uids':
      return key.ranges.some(({ first, last }) => message.uid >= first && message.uid <= last);
    case 'size': {
      const size = message.size ?? message.raw.length;
      return key.is === 'larger' ? size > key.than : size < key.than;
    }
    case 'date': {
      const date =
        key.of === 'internal'
          ? (message.internalDate ?? now)
          : key.of === 'saved'
            ? (message.savedDate ?? now)
            : message.sentOn;
      return isOn(date, key.is, key.day);
    }
    case 'within': {
      const age = (now.getTime() - (message.internalDate ?? now).getTime()) / 1000;
      return key.is === 'older' ? age >= key.seconds : age <= key.seconds;
    }
    case 'modSeq':
      return (message.modSeq ?? 1) >= key.least;
    case 'threadId':
      return `T${(message.thread ?? Buffer.of(0)).toString('hex')}` === key.id;
    case 'emailId':
      throw new Error('only the store knows');
    default:
      return text(message, key);
  }
}
