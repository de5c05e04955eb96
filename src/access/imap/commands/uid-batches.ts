/**
 * access/imap/commands/uid-batches - UIDBATCHES (RFC 10022): the mailbox in portions of so many messages, newest first,
 * each as a range of UIDs, the higher end first.
 */
import { list, string, untagged } from '../../../protocol/imap/respond/notation.ts';
import { no } from '../refusal.ts';
import type { Rule } from '../rule.ts';
import type { View } from '../view.ts';

/** In one answer. */
const batchesAtMost = 100_000;

export const uidBatches: Rule<'UIDBATCHES'> = {
  where: 'selected',
  news: 'all',
  async run({ session, view, tag, command: { size, batches } }) {
    const all = Math.ceil(view.uids.size / size);
    const first = batches?.first ?? 1;
    const last = Math.min(batches?.last ?? all, all);
    if (last - first >= batchesAtMost) throw no('tooManyBatches');
    const ranges: string[] = [];
    for (let batch = first; batch <= last; batch++) ranges.push(rangeOf(view, size, batch));
    const correlator = list(['TAG', string(tag, session.dialect)]);
    session.say(untagged('UIDBATCHES', correlator, ...(ranges.length > 0 ? [ranges.join(',')] : [])));
    return { text: 'These are the batches' };
  },
};

function rangeOf(view: View, size: number, batch: number): string {
  const newest = view.uids.size - (batch - 1) * size;
  const oldest = Math.max(newest - size + 1, 1);
  return `${view.uids.at(newest)}:${view.uids.at(oldest)}`;
}
