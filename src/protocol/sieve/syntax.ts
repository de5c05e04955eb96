/**
 * protocol/sieve/syntax - a script as values (RFC 5228 §8.2), before anybody knows what its words mean.
 */

/** Both count from 1; columns in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface StringNode {
  readonly kind: 'string';
  /** Escapes and dot-stuffing undone; line ends are CRLF. */
  readonly value: string;
  readonly at: Place;
}

export interface StringsNode {
  readonly kind: 'strings';
  readonly values: readonly StringNode[];
  readonly at: Place;
}

export interface NumberNode {
  readonly kind: 'number';
  /** With its quantifier (K, M, G) multiplied in. */
  readonly value: bigint;
  readonly at: Place;
}

export interface TagNode {
  readonly kind: 'tag';
  /** Lower case, without the colon. */
  readonly name: string;
  readonly at: Place;
}

export type ArgumentNode = StringNode | StringsNode | NumberNode | TagNode;

export interface TestNode {
  /** Lower case. */
  readonly name: string;
  readonly args: readonly ArgumentNode[];
  readonly tests: readonly TestNode[];
  /** The tests stood in parentheses. */
  readonly list: boolean;
  readonly at: Place;
}

export interface CommandNode extends TestNode {
  /** undefined: it ended with a semicolon. */
  readonly block?: readonly CommandNode[];
}

/** What is wrong with a script, and where. */
export interface Problem extends Place {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

/** Bounds of the grammar. RFC 5228 §2.10.5 asks for 15 levels of nesting. */
export const syntaxLimits = {
  /** Levels of blocks and tests. */
  nesting: 32,
  /** Arguments of one command or test. */
  args: 32,
  /** Characters of a word or tag. */
  word: 32,
  /** Problems told of one script. */
  problems: 100,
  /** RFC 5228 §2.4.1 asks for 2^31. */
  number: 2n ** 64n - 1n,
} as const;
