/** access/imap/commands/cancel-update - CANCELUPDATE (RFC 5267 §4.3.5). Tags of no context are passed over. */
import type { Rule } from '../rule.ts';

export const cancelUpdate: Rule<'CANCELUPDATE'> = {
  where: 'selected',
  news: 'all',
  run({ view, command }) {
    for (const tag of command.tags) view.contexts.delete(tag);
    return { text: 'No more updates of these' };
  },
};
