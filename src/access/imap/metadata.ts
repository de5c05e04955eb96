/**
 * access/imap/metadata - notes about a mailbox or the server (RFC 5464): what is there, who may read and write it.
 *
 * `/private/specialuse` is the mailbox's special use, for its owner (RFC 6154 §4).
 */
import { type MailFolder, type SpecialUse, specialUses } from '../../mail/mailbox.ts';
import type { Known } from './names.ts';
import { no } from './refusal.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';

/** Undefined: the server. */
export type Annotated = Known | undefined;

/** Octets of one value. */
export const valueAtMost = 32_768;

const specialUse = '/private/specialuse';

/** RFC 5464 §3.3: `l` and any right to do something with messages. */
export async function needAnnotated(user: User, mailbox: string): Promise<Annotated> {
  if (mailbox === '') return undefined;
  const known = await user.names.need(mailbox, 'l');
  if (!/[rswip]/.test(known.rights)) throw no('noRight');
  return known;
}

/** By their names, in lower case. */
export async function notesOf(
  session: Session,
  user: User,
  folder: Pick<MailFolder, 'id' | 'account' | 'specialUse'> | undefined,
): Promise<ReadonlyMap<string, string>> {
  const kept = await session.deps.annotations.of(folder?.id ?? 'server', user.account);
  if (folder?.specialUse === undefined || folder.account !== user.account) return kept;
  return new Map([...kept, [specialUse, folder.specialUse]]);
}

/**
 * What everybody sees of a mailbox is written by who may change its flags; of the server, by nobody but the operator:
 * the RFC leaves both to us.
 */
export async function note(
  session: Session,
  user: User,
  on: Annotated,
  values: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  const isShared = [...values.keys()].some((name) => name.startsWith('/shared/'));
  if (isShared && !(on?.rights.includes('w') ?? false)) throw no('noRight');
  const kept = new Map(values);
  const use =
    on?.isOwn === true && kept.delete(specialUse) ? { given: values.get(specialUse), on } : undefined;
  // RFC 5464 §4.3: where one is refused, none is set.
  const special = use === undefined ? undefined : await specialUseFor(session, use.on, use.given);
  if (kept.size > 0)
    await session.deps.annotations.set(on === undefined ? 'server' : on.folder.id, user.account, kept);
  if (use !== undefined) await session.deps.mailboxes.setSpecialUse(use.on.folder.id, special);
}

async function specialUseFor(
  session: Session,
  on: Known,
  said: string | undefined,
): Promise<SpecialUse | undefined> {
  if (said === undefined) return undefined;
  const use = specialUses.find((known) => known.toLowerCase() === said.toLowerCase());
  const others = await session.deps.mailboxes.list(on.owner);
  if (use === undefined || others.some(({ id, specialUse: has }) => has === use && id !== on.folder.id))
    throw no('useTaken');
  return use;
}
