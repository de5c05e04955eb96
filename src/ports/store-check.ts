/**
 * ports/store-check - is the store of hosted mailboxes whole? Implemented by src/store.
 *
 * It may run beside everything else: each mailbox is judged as of one instant, and mended under its lock.
 */
import type { AccountId } from '../mail/mailbox.ts';

export const storeFaults = [
  // of an account's tree
  'noInbox',
  'noParent',
  'badName',
  'badUse',
  'badRight',
  // of a mailbox and its messages
  'numbers',
  'totals',
  'pages',
  'keywords',
  'flags',
  'size',
  'notSelectable',
  'expungedYetThere',
  // of bodies
  'blobMissing',
  'contentDiffers',
  'keyMissing',
  'structure',
  'strayBlob',
] as const;
export type StoreFault = (typeof storeFaults)[number];

export interface StoreFinding {
  readonly fault: StoreFault;
  /** Whose: `ada@example.org/INBOX`, `body 17`, a blob's key. */
  readonly where: string;
  /** What is wrong. */
  readonly text: string;
  /** lost: nothing can be done here. */
  readonly mending: 'mended' | 'can be mended' | 'lost';
}

export interface StoreCheckOptions {
  /** This account only; blobs that belong to nothing are then not looked for. */
  readonly account?: AccountId;
  /** Every body is read and compared with its hash. */
  readonly deep: boolean;
  /** Without it nothing is changed. */
  readonly repair: boolean;
}

export interface StoreCheckProgress {
  readonly stage: 'accounts' | 'mailboxes' | 'bodies' | 'blobs';
  readonly done: number;
  /** Where it is known. */
  readonly of?: number;
}

export interface StoreCheck {
  /** Findings as they are found. Throws StoreAway. */
  run(
    options: StoreCheckOptions,
    progress: (progress: StoreCheckProgress) => void,
    signal: AbortSignal,
  ): AsyncIterable<StoreFinding>;
}
