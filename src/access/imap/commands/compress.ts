/** access/imap/commands/compress - COMPRESS (RFC 4978). */
import { no, Refusal } from '../refusal.ts';
import type { Rule } from '../rule.ts';

export const compress: Rule<'COMPRESS'> = {
  where: 'any',
  news: 'none',
  run({ session, command }) {
    if (command.mechanism !== 'DEFLATE' || !session.options.compress) throw no('cannot');
    if (session.connection.isCompressed)
      throw new Refusal('NO', { text: 'It is compressed already', code: { code: 'COMPRESSIONACTIVE' } });
    return { text: 'Compressed from here on', after: () => session.compress() };
  },
};
