/**
 * sieve/definition - how the words of the language are described: what a command or test takes, and what it becomes.
 */
import type { Place } from '../protocol/sieve/syntax.ts';
import type { Call } from './bind.ts';
import type { Run } from './run.ts';

/** How a command ends the ones behind it. */
export type Signal =
  | undefined
  | { readonly kind: 'stop' | 'return' }
  /** Out of the loop of this name; without one, of the innermost. */
  | { readonly kind: 'break'; readonly loop: string | undefined };

export type Step = (run: Run) => Promise<Signal>;

export interface Check {
  /** Known when the script is compiled; what stands behind a false `ihave` is not looked at (RFC 5463 §4). */
  readonly constant?: boolean;
  readonly test: (run: Run) => Promise<boolean>;
}

/** A string of the script, with variables when these are on. */
export interface Text {
  readonly at: Place;
  /** Its value, when it holds no variable. */
  readonly constant: string | undefined;
  readonly value: (run: Run) => string;
}

export type ValueType = 'string' | 'strings' | 'number';

export interface Parameter {
  /** For people, as RFCs call it. */
  readonly name: string;
  readonly type: ValueType;
  /** May be left out, when there are later ones. */
  readonly optional?: boolean;
}

export interface Tag {
  readonly name: string;
  readonly value?: ValueType;
  /** Of tags in one group there may be one. */
  readonly group?: string;
  /** Extension that brings it. */
  readonly needs?: string;
}

interface Common {
  readonly name: string;
  /** Extensions of which one must be there. */
  readonly needs?: readonly string[];
  readonly tags?: readonly Tag[];
  readonly takes?: readonly Parameter[];
  readonly tests?: 'one' | 'list';
}

export interface CommandDefinition extends Common {
  readonly kind: 'command';
  readonly block?: boolean;
  /** undefined: what is wrong has been told. */
  readonly compile: (call: Call) => Step | undefined | Promise<Step | undefined>;
}

export interface TestDefinition extends Common {
  readonly kind: 'test';
  readonly compile: (call: Call) => Check | undefined;
}

export type Definition = CommandDefinition | TestDefinition;

/** Words to compile with. */
export interface Vocabulary {
  /** By lower-case name. */
  readonly commands: ReadonlyMap<string, CommandDefinition>;
  readonly tests: ReadonlyMap<string, TestDefinition>;
  /** Names that `require` takes. */
  readonly extensions: ReadonlySet<string>;
  /** First halves of variable names, and who answers for them (RFC 5229 §3). */
  readonly namespaces: ReadonlyMap<string, (run: Run, name: string) => string>;
}
