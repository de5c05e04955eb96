/**
 * sieve/limits - how much one script may ask of us. Beyond it the script fails, and the message is kept.
 */
export interface Limits {
  /** Octets of a script. */
  readonly scriptSize: number;
  /** Actions of one run. */
  readonly actions: number;
  /** Of these, messages sent on; 0 turns redirect off. */
  readonly redirects: number;
  /** Of these, notifications. */
  readonly notifications: number;
  /** Steps: commands, characters compared, instructions of regular expressions. About 20 million take a second. */
  readonly work: number;
  readonly variables: number;
  /** Octets of one variable; longer values are cut (RFC 5229 §6 asks for 4000). */
  readonly variableSize: number;
  /** Octets of text that a test reads of one part or body. */
  readonly textSize: number;
  readonly includes: number;
  readonly includeDepth: number;
  /** Octets of an added header field's value (RFC 5293). */
  readonly headerSize: number;
  /** Lower-case names of fields that editheader may not add or delete (RFC 5293 §6). */
  readonly protectedFields: { readonly add: ReadonlySet<string>; readonly delete: ReadonlySet<string> };
  /** Octets of the reason of reject and vacation. */
  readonly reasonSize: number;
  /** Seconds between which a script's :days or :seconds are brought. */
  readonly vacationLeast: number;
  readonly vacationMost: number;
  readonly vacationUsual: number;
  /** Seconds: the same of duplicate. */
  readonly duplicateMost: number;
  readonly duplicateUsual: number;
}

const day = 86_400;

export const defaultLimits: Limits = {
  scriptSize: 1 << 20,
  actions: 32,
  redirects: 4,
  notifications: 10,
  work: 50_000_000,
  variables: 1024,
  variableSize: 16_384,
  textSize: 4 << 20,
  includes: 255,
  includeDepth: 10,
  headerSize: 4096,
  protectedFields: {
    add: new Set(),
    delete: new Set(['received', 'auto-submitted']),
  },
  reasonSize: 65_536,
  vacationLeast: day,
  vacationMost: 30 * day,
  vacationUsual: 7 * day,
  duplicateMost: 30 * day,
  duplicateUsual: 7 * day,
};
