/**
 * access/imap/quota-roots - the quota of an account as IMAP tells it (RFC 9208 §3.2): one root per account, called by the
 * account's name. An account without limits has none.
 */
import type { AccountId } from '../../mail/mailbox.ts';
import type { Resource } from '../../protocol/imap/respond/rights.ts';
import type { Session } from './session.ts';

export interface QuotaRoot {
  readonly name: string;
  readonly resources: readonly Resource[];
}

/** STORAGE counts units of 1,024 octets (RFC 9208 §5.1). */
const unit = 1024;

export async function quotaRootOf(session: Session, id: AccountId): Promise<QuotaRoot | undefined> {
  const account = await session.deps.accounts.byId(id);
  if (account === undefined) return undefined;
  const { quota, usage, name } = account;
  const resources: Resource[] = [];
  if (quota.storage !== undefined)
    resources.push({
      name: 'STORAGE',
      usage: Math.ceil(usage.storage / unit),
      limit: Math.floor(quota.storage / unit),
    });
  if (quota.messages !== undefined)
    resources.push({ name: 'MESSAGE', usage: usage.messages, limit: quota.messages });
  return resources.length === 0 ? undefined : { name, resources };
}
