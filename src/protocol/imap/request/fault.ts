/**
 * protocol/imap/request/fault - why a command is not carried out before it is looked at: what the client is told.
 */
export type FaultCode =
  | { readonly code: 'TOOBIG' | 'CANNOT' | 'LIMIT' | 'UNKNOWN-CTE' }
  | { readonly code: 'BADCHARSET'; readonly charsets: readonly string[] };

/** BAD: not IMAP. NO: understood, and more than is done here. */
export type FaultVerdict = 'BAD' | 'NO';

export class RequestFault extends Error {
  override readonly name = 'RequestFault';
  readonly verdict: FaultVerdict;
  readonly code: FaultCode | undefined;

  constructor(text: string, verdict: FaultVerdict = 'BAD', code?: FaultCode) {
    super(text);
    this.verdict = verdict;
    this.code = code;
  }
}

/** The text ends before a literal does: more is to come. */
export class Unfinished extends Error {
  override readonly name = 'Unfinished';
}
