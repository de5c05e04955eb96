/**
 * store/model - what a mailbox is, in the plainest way: the measure for the store in model.test.
 */
import type { Flags } from '../../src/mail/mailbox.ts';
import type { UidRange } from '../../src/mail/uid-set.ts';
import type { FlagChange } from '../../src/ports/messages.ts';

export interface ModelMessage {
  readonly body: number;
  readonly size: number;
  system: number;
  /** As first spelt in the mailbox, in order of letters. */
  keywords: string[];
}

export const within = (ranges: readonly UidRange[], uid: number): boolean =>
  ranges.some(({ first, last }) => Math.min(first, last) <= uid && uid <= Math.max(first, last));

export class ModelMailbox {
  readonly messages = new Map<number, ModelMessage>();
  readonly keywords: string[] = [];
  uidNext = 1;

  add(message: { readonly body: number; readonly size: number }, flags: Flags): number {
    const uid = this.uidNext++;
    const { body, size } = message;
    this.messages.set(uid, { body, size, system: flags.system, keywords: this.spelt(flags.keywords) });
    return uid;
  }

  spelt(keywords: readonly string[]): string[] {
    const known = keywords.map((keyword) => this.#as(keyword));
    for (const keyword of known) if (!this.keywords.includes(keyword)) this.keywords.push(keyword);
    return [...new Set(known)].sort();
  }

  #as(keyword: string): string {
    return this.keywords.find((one) => one.toLowerCase() === keyword.toLowerCase()) ?? keyword;
  }

  uids(ranges: readonly UidRange[]): number[] {
    return [...this.messages.keys()].filter((uid) => within(ranges, uid)).sort((a, b) => a - b);
  }

  /** The UIDs whose flags are others now. */
  flag(uids: readonly number[], { how, flags, keep }: FlagChange): number[] {
    const named = flags.keywords.map((keyword) => this.#as(keyword));
    const keepKeywords = how === 'set' && keep?.keywords === true;
    const changed = uids.filter((uid) => {
      const message = this.messages.get(uid)!;
      const { system, keywords } = message;
      if (how === 'add') {
        message.system |= flags.system;
        message.keywords = [...new Set([...keywords, ...named])].sort();
      } else if (how === 'remove') {
        message.system &= ~flags.system;
        message.keywords = keywords.filter((keyword) => !named.includes(keyword));
      } else {
        const kept = keep?.system ?? 0;
        message.system = (system & kept) | (flags.system & ~kept);
        if (!keepKeywords) message.keywords = [...named].sort();
      }
      return message.system !== system || message.keywords.join() !== keywords.join();
    });
    if (changed.length > 0 && how !== 'remove' && !keepKeywords) this.spelt(named);
    return changed;
  }

  get totals() {
    const all = [...this.messages.values()];
    const deleted = all.filter(({ system }) => (system & 8) !== 0);
    const octets = (some: readonly ModelMessage[]): number => some.reduce((sum, { size }) => sum + size, 0);
    return {
      uidNext: this.uidNext,
      messages: all.length,
      unseen: all.filter(({ system }) => (system & 1) === 0).length,
      deleted: deleted.length,
      size: octets(all),
      deletedSize: octets(deleted),
    };
  }
}
