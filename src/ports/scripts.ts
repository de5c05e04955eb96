/**
 * ports/scripts - the Sieve scripts of hosted accounts, and what running them has to remember. Implemented by src/store.
 */
import type { AccountId } from '../mail/mailbox.ts';

export interface Script {
  readonly name: string;
  readonly active: boolean;
  /** Octets. */
  readonly size: number;
}

/** RFC 5804. Names are Net-Unicode of 1 to 128 characters; contents are UTF-8. */
export interface Scripts {
  list(account: AccountId): Promise<readonly Script[]>;
  get(account: AccountId, name: string): Promise<string | undefined>;
  active(account: AccountId): Promise<{ readonly name: string; readonly content: string } | undefined>;
  /** Throws ScriptTrouble: quota. */
  put(account: AccountId, name: string, content: string): Promise<void>;
  /** Undefined: none is active. Throws ScriptTrouble: missing. */
  activate(account: AccountId, name: string | undefined): Promise<void>;
  /** Throws ScriptTrouble: missing, active. */
  remove(account: AccountId, name: string): Promise<void>;
  /** Throws ScriptTrouble: missing, exists. */
  rename(account: AccountId, from: string, to: string): Promise<void>;
  /** Whether a script of so many octets would be taken (HAVESPACE). */
  room(account: AccountId, name: string, size: number): Promise<'room' | 'tooBig' | 'tooMany' | 'quota'>;
}

/** For `duplicate` (RFC 7352) and `vacation` (RFC 5230 §4.2): keys with an end, a bounded number per account. */
export interface ScriptMemory {
  /** The key is remembered and has not ended at `now`. */
  has(account: AccountId, key: string, now: Date): Promise<boolean>;
  /** In place of an older end. */
  remember(account: AccountId, key: string, until: Date): Promise<void>;
  /** True for one caller only of many at once: it was not remembered, and now is. */
  claim(account: AccountId, key: string, now: Date, until: Date): Promise<boolean>;
}

export type ScriptFault = 'missing' | 'exists' | 'active' | 'quota' | 'badName';

export class ScriptTrouble extends Error {
  override readonly name = 'ScriptTrouble';
  readonly fault: ScriptFault;
  constructor(fault: ScriptFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
