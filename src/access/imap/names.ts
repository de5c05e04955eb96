/**
 * access/imap/names - mailboxes by the names one user calls them, and what that user may do there (RFC 4314 §4).
 *
 * Own mailboxes are called as they are. Those of others that were shared are `Other Users/OWNER/NAME` (RFC 2342 §5), or
 * whatever the operator calls the first level.
 * What may not even be known (no `l`) is answered as what does not exist (RFC 4314 §6).
 */
import { type AccountId, allRights, type MailFolder, type RightsSet } from '../../mail/mailbox.ts';
import type { ImapDeps } from './options.ts';
import { no } from './refusal.ts';

export const delimiter = '/';

/** A name, and where it lies; there need not be a mailbox. */
export interface Place {
  readonly owner: AccountId;
  /** As its owner calls it. */
  readonly ownName: string;
  readonly isOwn: boolean;
}

export interface Known extends Place {
  readonly folder: MailFolder;
  /** As this user calls it. */
  readonly name: string;
  readonly rights: RightsSet;
}

export class Names {
  readonly #deps: Pick<ImapDeps, 'accounts' | 'mailboxes' | 'rights'>;
  readonly #account: AccountId;
  /** Before the owner's name, with the delimiter. */
  readonly othersPrefix: string;

  constructor(deps: Pick<ImapDeps, 'accounts' | 'mailboxes' | 'rights'>, account: AccountId, others: string) {
    this.#deps = deps;
    this.#account = account;
    this.othersPrefix = `${others}${delimiter}`;
  }

  /** Undefined: no such owner, or the name is of the namespace itself. */
  async place(name: string): Promise<Place | undefined> {
    if (!this.#isOfOthers(name)) return { owner: this.#account, ownName: name, isOwn: true };
    const [ownerName = '', ...rest] = name.slice(this.othersPrefix.length).split(delimiter);
    if (rest.length === 0 || ownerName === '') return undefined;
    const owner = await this.#deps.accounts.byName(ownerName.toLowerCase());
    if (owner === undefined) return undefined;
    const ownName = rest.join(delimiter);
    return {
      owner: owner.id,
      ownName: /^inbox$/i.test(ownName) ? 'INBOX' : ownName,
      isOwn: owner.id === this.#account,
    };
  }

  /** Undefined when there is none, or none that this user may know of. */
  async find(name: string): Promise<Known | undefined> {
    const place = await this.place(name);
    if (place === undefined) return undefined;
    const folder = await this.#deps.mailboxes.get(place.owner, place.ownName);
    if (folder === undefined) return undefined;
    const rights = await this.rightsOf(folder);
    return rights === '' ? undefined : { ...place, folder, name, rights };
  }

  rightsOf(folder: MailFolder): Promise<RightsSet> | RightsSet {
    return folder.account === this.#account ? allRights : this.#deps.rights.of(folder.id, this.#account);
  }

  /** With this right. Throws a Refusal. */
  async need(name: string, right: string, missing: 'missing' | 'noTarget' = 'missing'): Promise<Known> {
    const known = await this.find(name);
    if (known === undefined) throw no(missing);
    if (!known.rights.includes(right)) throw no(known.rights.includes('l') ? 'noRight' : missing);
    return known;
  }

  /** That holds messages. */
  async needSelectable(
    name: string,
    right: string,
    missing: 'missing' | 'noTarget' = 'missing',
  ): Promise<Known> {
    const known = await this.need(name, right, missing);
    if (!known.folder.selectable) throw no('notSelectable');
    return known;
  }

  /** Where a mailbox of this name may be made: `k` of the nearest mailbox above it (RFC 4314 §4, CREATE). */
  async needRoom(name: string): Promise<Place> {
    const place = await this.place(name);
    if (place === undefined) throw no('noRight');
    if (place.isOwn) return place;
    const levels = name.split(delimiter);
    const ofOwner = this.othersPrefix.split(delimiter).length;
    for (let count = levels.length - 1; count > ofOwner; count--) {
      const above = await this.find(levels.slice(0, count).join(delimiter));
      if (above === undefined) continue;
      if (above.rights.includes('k')) return place;
      break;
    }
    throw no('noRight');
  }

  /** As this user calls a mailbox of another. */
  ofOther(owner: string, ownName: string): string {
    return `${this.othersPrefix}${owner}${delimiter}${ownName}`;
  }

  #isOfOthers(name: string): boolean {
    return `${name}${delimiter}`.toLowerCase().startsWith(this.othersPrefix.toLowerCase());
  }
}
