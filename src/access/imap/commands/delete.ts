/** access/imap/commands/delete - DELETE (RFC 9051 §6.3.5). */
import { statement } from '../../../protocol/imap/respond/status.ts';
import type { Rule } from '../rule.ts';

export const remove: Rule<'DELETE'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const { folder } = await user.names.need(command.mailbox, 'x');
    await session.deps.mailboxes.remove(folder.id);
    if (session.state.kind === 'selected' && session.state.view.mailbox === folder.id) {
      session.deselect();
      session.say(
        statement('OK', { text: 'The selected mailbox is gone', code: { code: 'CLOSED' } }, session.dialect),
      );
    }
    return { text: 'Deleted' };
  },
};
