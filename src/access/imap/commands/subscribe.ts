/** access/imap/commands/subscribe - SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7 and §6.3.8). */
import type { Rule } from '../rule.ts';

/** A mailbox that is not there is not subscribed to anew; what is subscribed to stays so when it goes. */
export const subscribe: Rule<'SUBSCRIBE'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    await user.names.need(command.mailbox, 'l');
    await session.deps.subscriptions.set(user.account, command.mailbox, true);
    return { text: 'Subscribed' };
  },
};

export const unsubscribe: Rule<'UNSUBSCRIBE'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    await session.deps.subscriptions.set(user.account, command.mailbox, false);
    return { text: 'Unsubscribed' };
  },
};
