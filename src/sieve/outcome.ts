/**
 * sieve/outcome - what a script decided, as values. Nothing has been done yet when these are made.
 */
import type { Place } from '../protocol/sieve/syntax.ts';

/** Where and why, for `isthmus sieve run` and the trace: holds words of the script, none of the message. */
export interface Because extends Place {
  /** Name of the script. */
  readonly script: string;
  readonly text: string;
}

interface Caused {
  readonly because: Because;
}

/** The message as it is to be stored or sent, when the script has edited its header (RFC 5293); else as it came. */
interface WithHeader {
  /** The whole new header section, without the empty line. */
  readonly header?: Uint8Array;
}

export type MailboxName = {
  readonly mailbox: string;
  readonly mailboxId?: string;
  readonly specialUse?: string;
  readonly create: boolean;
};

export interface Keep extends Caused, WithHeader {
  readonly kind: 'keep';
  /** The script did not say it: nothing cancelled the implicit keep (RFC 5228 §2.10.2). */
  readonly implicit: boolean;
  /** undefined: the script says nothing of flags (RFC 5232 §5). */
  readonly flags?: readonly string[];
}

/** mailbox is where to file when the one with mailboxId (RFC 9042) or specialUse (RFC 8579) is not there. */
export interface FileInto extends Caused, WithHeader {
  readonly kind: 'fileinto';
  readonly mailbox: string;
  readonly mailboxId?: string;
  readonly specialUse?: string;
  /** Make the mailbox when it is not there (RFC 5490 §3.2). */
  readonly create: boolean;
  readonly flags?: readonly string[];
}

export interface Redirect extends Caused, WithHeader {
  readonly kind: 'redirect';
  readonly address: string;
  /** Of the extension redirect-dsn and -deliverby there is nothing; a list of addresses (RFC 6134 §2.7). */
  readonly list?: string;
}

export interface Discard extends Caused {
  readonly kind: 'discard';
}

export interface Reject extends Caused {
  /** ereject: prefer a reply in SMTP to a message of our own (RFC 5429 §2.1). */
  readonly kind: 'reject' | 'ereject';
  readonly reason: string;
}

/** File a copy of a message that was sent on the script's account (RFC 8580). */
export interface Fcc {
  readonly mailbox: string;
  readonly mailboxId?: string;
  readonly specialUse?: string;
  readonly create: boolean;
  readonly flags?: readonly string[];
}

export interface Vacation extends Caused {
  readonly kind: 'vacation';
  /** Seconds during which one sender gets one answer; 0 is every time (RFC 6131). */
  readonly seconds: number;
  readonly subject?: string;
  readonly from?: string;
  readonly addresses: readonly string[];
  /** `reason` is a MIME entity with its own header (RFC 5230 §4.5). */
  readonly mime: boolean;
  readonly reason: string;
  /** What answers are told apart by: the same handle is the same answer (RFC 5230 §4.2). */
  readonly handle: string;
  readonly fcc?: Fcc;
}

export interface Notify extends Caused {
  readonly kind: 'notify';
  /** The URI. */
  readonly method: string;
  readonly message?: string;
  /** 1 high, 2 normal, 3 low (RFC 5435 §3.3). */
  readonly importance: 1 | 2 | 3;
  readonly from?: string;
  readonly options: readonly string[];
  readonly fcc?: Fcc;
}

export type Action = Keep | FileInto | Redirect | Discard | Reject | Vacation | Notify;

/** RFC 7352: to be remembered once the actions are done; forgotten when they fail. */
export interface DuplicateMark {
  readonly id: string;
  readonly seconds: number;
}

export interface RuntimeProblem extends Place {
  readonly script: string;
  readonly text: string;
}

export interface Outcome {
  /**
   * In the order in which they are to be done. After a runtime error these are the implicit keep and nothing else
   * (RFC 5228 §2.10.6).
   */
  readonly actions: readonly Action[];
  readonly marks: readonly DuplicateMark[];
  readonly problem?: RuntimeProblem;
  /** What went wrong and did not end the script; the first few. */
  readonly warnings: readonly RuntimeProblem[];
  /** The tests of `if` and what came of them, in order; the first hundred or so. */
  readonly story: readonly Because[];
  /** Steps of work it took; see limits. */
  readonly work: number;
}
