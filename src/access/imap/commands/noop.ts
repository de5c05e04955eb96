/** access/imap/commands/noop - NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1): an occasion to be told. */
import type { Rule } from '../rule.ts';

export const noop: Rule<'NOOP'> = { where: 'any', news: 'ask', run: () => ({ text: 'Done' }) };

export const check: Rule<'CHECK'> = {
  where: 'selected',
  news: 'ask',
  run: () => ({ text: 'All is on disk' }),
};
