/**
 * access/imap/commands/getquota - GETQUOTA (RFC 9208 §4.1.1), GETQUOTAROOT (§4.1.2) and SETQUOTA (§4.1.3), which is
 * refused: quotas are the operator's, and QUOTASET is not announced.
 *
 * Who may read somebody's mailbox may know how much room its owner has left: it is what an APPEND there is held against.
 */
import type { AccountId } from '../../../mail/mailbox.ts';
import { quota, quotaRoot } from '../../../protocol/imap/respond/rights.ts';
import { quotaRootOf } from '../quota-roots.ts';
import { no } from '../refusal.ts';
import type { Rule } from '../rule.ts';
import type { Session } from '../session.ts';
import type { User } from '../state.ts';

async function accountOf(session: Session, user: User, root: string): Promise<AccountId | undefined> {
  if (root === user.name) return user.account;
  const shared = await session.deps.rights.shared(user.account);
  return shared.find(({ owner, rights }) => owner === root && rights.includes('r'))?.mailbox.account;
}

export const getQuota: Rule<'GETQUOTA'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const account = await accountOf(session, user, command.root);
    const root = account === undefined ? undefined : await quotaRootOf(session, account);
    if (root === undefined) throw no('noQuotaRoot');
    session.say(quota(root.name, root.resources, session.dialect));
    return { text: 'That is the quota' };
  },
};

export const getQuotaRoot: Rule<'GETQUOTAROOT'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    // RFC 9208 §4.1.2: it need not be there.
    const { mailbox: name } = command;
    const place = await user.names.place(name);
    if (place?.isOwn !== true) await user.names.need(name, 'r');
    const root = await quotaRootOf(session, place?.owner ?? user.account);
    session.say(quotaRoot(name, root === undefined ? [] : [root.name], session.dialect));
    if (root !== undefined) session.say(quota(root.name, root.resources, session.dialect));
    return { text: 'That is the quota' };
  },
};

export const setQuota: Rule<'SETQUOTA'> = {
  where: 'authenticated',
  news: 'all',
  run() {
    throw no('noRight');
  },
};
