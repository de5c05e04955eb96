/**
 * protocol/imap/request/limits - how much of everything a client may say in one command.
 */
export interface RequestLimits {
  /** Octets of one command: its lines and the literals collected into it, not those that are handed on. */
  readonly command: number;
  /** Octets of one message that is appended (RFC 7889), all its parts together. */
  readonly message: number;
  /** Octets a client may send as a literal without being told to go on; fewer than `message` is LITERAL- (RFC 7888 §5). */
  readonly unasked: number;
  /** Numbers and ranges in one set. */
  readonly setElements: number;
  /** Elements of one list: items, names, patterns, flags. */
  readonly listElements: number;
  /** Search keys in one program, those in parentheses included. */
  readonly searchKeys: number;
  /** Parentheses and NOT and OR within each other. */
  readonly depth: number;
}

export const defaultLimits: RequestLimits = {
  command: 65_536,
  message: 67_108_864,
  unasked: 67_108_864,
  setElements: 16_384,
  listElements: 4096,
  searchKeys: 2048,
  depth: 64,
};
