/**
 * sieve/environment - all that a running script may ask about the world, handed in.
 */
import type { MessageSource } from './message/message.ts';

export interface SieveEnvelope {
  /** '' is the null reverse-path. */
  readonly from: string;
  readonly to: string;
  /** Before aliases and groups were resolved. */
  readonly originalTo?: string;
  /** Account that was logged in when it was submitted. */
  readonly auth?: string;
  /** RFC 6009 parameters; undefined where the client said nothing. */
  readonly notify?: string;
  readonly orcpt?: string;
  readonly ret?: string;
  readonly envid?: string;
}

export interface Mailboxes {
  /** Exists and may be delivered into. */
  exists(name: string): Promise<boolean>;
  /** RFC 9042. */
  existsById(id: string): Promise<boolean>;
  /** Some mailbox, or this one, has the use (`\\Junk`) (RFC 8579). */
  hasSpecialUse(use: string, mailbox: string | undefined): Promise<boolean>;
  /** Value of an annotation; `mailbox` undefined asks for the server's (RFC 5490). */
  metadata(mailbox: string | undefined, name: string): Promise<string | undefined>;
}

/** RFC 6134. */
export interface ExternalLists {
  exists(name: string): boolean;
  contains(name: string, value: string): Promise<boolean>;
}

export interface Score {
  /** 0 to 100; undefined: not tested. */
  readonly percent?: number;
}

export interface Environment {
  readonly message: MessageSource;
  readonly envelope: SieveEnvelope;
  readonly now: Date;
  /** Of the account, for currentdate without :zone; minutes east of UTC. */
  readonly zoneMinutes: number;
  readonly mailboxes: Mailboxes;
  /** Whether `id` is remembered; with `last`, the time of memory starts anew (RFC 7352). */
  readonly isDuplicate: (id: string, last: boolean, seconds: number) => Promise<boolean>;
  readonly lists: ExternalLists;
  /** Items of RFC 5183, RFC 6785 and our own, by lower-case name. */
  readonly items: ReadonlyMap<string, string>;
  readonly spam: Score;
  readonly virus: Score;
  /** Characters of which the first found parts a local part in two (RFC 5233). */
  readonly detailSeparator: string;
  /** Whether a notification to this URI could be sent now: yes, no, maybe (RFC 5435 §5). */
  readonly isOnline: (uri: string) => Promise<'yes' | 'no' | 'maybe'>;
}

/** Nothing exists, nothing is remembered. */
export const emptyWorld = {
  zoneMinutes: 0,
  mailboxes: {
    exists: async () => false,
    existsById: async () => false,
    hasSpecialUse: async () => false,
    metadata: async () => undefined,
  },
  isDuplicate: async () => false,
  lists: { exists: () => false, contains: async () => false },
  items: new Map<string, string>(),
  spam: {},
  virus: {},
  detailSeparator: '+',
  isOnline: async () => 'maybe' as const,
} satisfies Omit<Environment, 'message' | 'envelope' | 'now'>;
