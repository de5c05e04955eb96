/**
 * store/mail-target - an account hosted here as the target of a mirror or an import (ports/mail-target).
 */
import {
  type AccountId,
  flagsOf,
  type MailboxId,
  type MailFolder,
  type SpecialUse,
} from '../mail/mailbox.ts';
import type { Database } from '../ports/database.ts';
import type { MessageName, SourceMailbox } from '../ports/mail-source.ts';
import {
  type MailTarget,
  MessageNotPossible,
  NameNotPossible,
  type NewMessage,
  TargetFull,
} from '../ports/mail-target.ts';
import { type Mailboxes, MailboxTrouble } from '../ports/mailboxes.ts';
import { MailboxGone, MessageTooBig, OverQuota, type Reading, type Writing } from '../ports/messages.ts';
import { AccountMail, sourceMailbox } from './account-mail.ts';
import { inStoreWords } from './faults.ts';
import { rowOf, uidOf } from './mail-source.ts';

export interface StoreTargetOptions {
  readonly database: Database;
  readonly mailboxes: Mailboxes;
  readonly messages: Reading & Writing;
  /** Octets of one message. */
  readonly sizeLimit: number;
}

/** The store stays open when the target is closed. A mailbox that is not there any more: MailboxGone. */
export function storeMailTarget(options: StoreTargetOptions, account: AccountId): MailTarget {
  const { mailboxes, messages } = options;
  const mail = new AccountMail(mailboxes, account);
  const known = async (mailbox: SourceMailbox): Promise<MailboxId> => {
    const id = await mail.idOf(mailbox);
    if (id === undefined)
      throw new MailboxGone(`the mailbox ${mailbox.path.join('/')} is not there any more`);
    return id;
  };
  return {
    mailboxes: (signal) => mail.all(signal),
    async mailbox(path, { specialUse }, signal) {
      signal.throwIfAborted();
      return sourceMailbox(await found(mailboxes, account, path, specialUse));
    },
    append: async (mailbox, message, signal) => append(options, await known(mailbox), message, signal),
    async setFlags(mailbox, name, flags, signal) {
      const id = await known(mailbox);
      const uid = uidOf(name);
      if (uid === undefined) return false;
      const range = [{ first: uid, last: uid }];
      const { changed } = await messages.flag(id, range, { how: 'set', flags: flagsOf(flags) });
      return changed.length > 0 || (await rowOf(messages, id, name, signal)) !== undefined;
    },
    async remove(mailbox, name) {
      const id = await known(mailbox);
      const uid = uidOf(name);
      if (uid === undefined) return false;
      const { gone } = await messages.expunge(id, [{ first: uid, last: uid }], { anyway: true });
      return gone.length > 0;
    },
    find: async (mailbox, messageId) => find(options.database, await known(mailbox), messageId),
    close: async () => undefined,
  };
}

/** A use that another mailbox has stays there. */
async function found(
  mailboxes: Mailboxes,
  account: AccountId,
  path: readonly string[],
  specialUse: SpecialUse | undefined,
): Promise<MailFolder> {
  const name = path.join('/');
  if (path.length === 0 || path.some((level) => level === '' || level.includes('/')))
    throw new NameNotPossible(
      `${JSON.stringify(path)}: a level is empty or has / in it, which parts levels here`,
    );
  const there = await mailboxes.get(account, name);
  if (there?.selectable) return there;
  try {
    return await mailboxes.create(account, name, specialUse === undefined ? {} : { specialUse });
  } catch (thrown) {
    if (!(thrown instanceof MailboxTrouble)) throw thrown;
    if (thrown.fault === 'useTaken') return found(mailboxes, account, path, undefined);
    if (thrown.fault === 'badName' || thrown.fault === 'tooMany')
      throw new NameNotPossible(`${name}: ${thrown.message}`, { cause: thrown });
    const meanwhile = thrown.fault === 'exists' ? await mailboxes.get(account, name) : undefined;
    if (meanwhile) return meanwhile;
    throw thrown;
  }
}

async function append(
  { messages, sizeLimit }: StoreTargetOptions,
  mailbox: MailboxId,
  message: NewMessage,
  signal: AbortSignal,
): Promise<MessageName> {
  try {
    const { body } = await messages.stage(message.content, sizeLimit, signal);
    const { internalDate, uidl } = message;
    const flags = flagsOf(message.flags);
    const [appended] = await messages.append([
      { mailbox, body, flags, internalDate, ...(uidl === undefined ? {} : { uidl }) },
    ]);
    if (!appended) throw new Error('a message was appended and its UID did not come back');
    return String(appended.uid);
  } catch (thrown) {
    if (thrown instanceof OverQuota) throw new TargetFull(thrown.message, { cause: thrown });
    if (thrown instanceof MessageTooBig) throw new MessageNotPossible(thrown.message, { cause: thrown });
    throw thrown;
  }
}

async function find(
  database: Database,
  mailbox: MailboxId,
  messageId: string,
): Promise<readonly MessageName[]> {
  const rows = await inStoreWords(() =>
    database.query<{ uid: number }>(
      `select m.uid from body b join mailbox_message m on m.body = b.id
       where b.message_id = $2 and m.mailbox = $1 order by m.uid`,
      [mailbox, messageId],
    ),
  );
  return rows.map(({ uid }) => String(uid));
}
