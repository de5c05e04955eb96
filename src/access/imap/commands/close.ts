/** access/imap/commands/close - CLOSE (RFC 9051 §6.4.1) and UNSELECT (§6.4.2). */
import type { Rule } from '../rule.ts';

/** Expunges without a word; who may not expunge just leaves. */
export const close: Rule<'CLOSE'> = {
  where: 'selected',
  news: 'none',
  async run({ session, view }) {
    if (!view.isReadOnly && view.rights.includes('e')) await session.deps.writing.expunge(view.mailbox);
    session.deselect();
    return { text: 'Closed' };
  },
};

export const unselect: Rule<'UNSELECT'> = {
  where: 'selected',
  news: 'none',
  run({ session }) {
    session.deselect();
    return { text: 'Closed' };
  },
};
