/**
 * sieve/scope - what is known while one script is compiled.
 */

import { decodeCharacters } from '../protocol/sieve/encoded-character.ts';
import { rejoin } from '../protocol/sieve/octets.ts';
import type { Place, Problem } from '../protocol/sieve/syntax.ts';
import { parseTemplate } from '../protocol/sieve/template.ts';
import type { Text, Vocabulary } from './definition.ts';
import type { Limits } from './limits.ts';
import type { Run } from './run.ts';
import type { Script } from './script.ts';

export type Location = 'personal' | 'global';

/** Text of a script to include; undefined when there is none. */
export type FindScript = (location: Location, name: string) => Promise<string | undefined>;

/** What all scripts of one compilation share. */
export interface Compilation {
  readonly vocabulary: Vocabulary;
  readonly limits: Limits;
  readonly find: FindScript;
  /** Included so far, by location and name; null while it is being compiled. */
  readonly included: Map<string, Script | null>;
  /** Names of external lists, shorthand done, are known. undefined: not asked when compiling. */
  readonly knownList?: ((name: string) => boolean) | undefined;
}

/** A problem with the name of the script that has it: an included one may. */
export interface ScriptProblem extends Problem {
  readonly script: string;
}

const problemLimit = 100;

/** RFC 5229 §3.2 asks for 9. */
const matchIndexLimit = 32;

export class Scope {
  readonly compilation: Compilation;
  readonly script: string;
  readonly depth: number;
  readonly extensions = new Set<string>();
  readonly problems: ScriptProblem[] = [];
  /** Names declared with `global` (RFC 6609 §3.4). */
  readonly globals = new Set<string>();
  /** Names used so far that were not declared global. */
  readonly locals = new Set<string>();
  /** Names of loops around the place at hand; undefined for one without (RFC 5703 §3). */
  readonly loops: (string | undefined)[] = [];
  /** Blocks around the place at hand. */
  depthOfBlocks = 0;
  /** A command other than `require` has been seen (RFC 5228 §3.2). */
  begun = false;
  #declared = 0;

  constructor(compilation: Compilation, script: string, depth: number) {
    this.compilation = compilation;
    this.script = script;
    this.depth = depth;
  }

  get limits(): Limits {
    return this.compilation.limits;
  }

  has(extension: string): boolean {
    return this.extensions.has(extension);
  }

  error({ line, column }: Place, text: string): void {
    if (this.problems.length < problemLimit)
      this.problems.push({ script: this.script, severity: 'error', line, column, text });
  }

  warn({ line, column }: Place, text: string): void {
    if (this.problems.length < problemLimit)
      this.problems.push({ script: this.script, severity: 'warning', line, column, text });
  }

  /** A variable of this script is set. */
  declare(name: string, at: Place): void {
    if (this.locals.has(name)) return;
    this.locals.add(name);
    this.#declared += 1;
    if (this.#declared === this.limits.variables + 1) {
      this.error(at, `too many variables: at most ${this.limits.variables} are permitted`);
    }
  }

  get failed(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }

  /** A string as the extensions in force read it. undefined: what is wrong has been told. */
  text(value: string, at: Place): Text | undefined {
    let literal = value;
    if (this.has('encoded-character')) {
      const decoded = decodeCharacters(value);
      if ('wrong' in decoded) {
        this.error(at, decoded.wrong);
        return undefined;
      }
      literal = decoded.text;
    }
    if (!this.has('variables') || !literal.includes('${')) return constantText(literal, at);
    const parts = parseTemplate(literal);
    if (parts.every((part) => 'literal' in part)) return constantText(literal, at);
    const beyond = parts.find((part) => 'match' in part && part.match > matchIndexLimit);
    if (beyond) {
      this.error(at, `match values are counted to \${${matchIndexLimit}}`);
      return undefined;
    }
    const readers = parts.map((part) => {
      if ('literal' in part) return () => part.literal;
      if ('match' in part) return (run: Run) => run.matchValue(part.match);
      if (part.variable.includes('.') && !this.#namespaceKnown(part.variable)) {
        this.error(at, `unknown namespace in the variable ${part.variable.slice(0, 60)}`);
      }
      const global = this.globals.has(part.variable);
      if (!global) this.locals.add(part.variable);
      return (run: Run) => run.variable(part.variable, global);
    });
    return {
      at,
      constant: undefined,
      value: (run) => expand(run, readers),
    };
  }

  #namespaceKnown(name: string): boolean {
    const [space = ''] = name.split('.', 1);
    return (space === 'global' && this.has('include')) || this.compilation.vocabulary.namespaces.has(space);
  }
}

/** Octets, near enough, of a string with what its variables hold. */
const expandedLimit = 1 << 20;

/** Each reference costs what it brings: a script may have very many of one long variable. */
function expand(run: Run, readers: readonly ((run: Run) => string)[]): string {
  const pieces: string[] = [];
  let length = 0;
  for (const read of readers) {
    const piece = read(run);
    length += piece.length;
    run.spend(1 + (piece.length >> 4));
    if (length > expandedLimit)
      throw run.trouble(
        `a string with its variables is too long: at most ${expandedLimit} octets are permitted`,
      );
    pieces.push(piece);
  }
  return rejoin(pieces.join(''));
}

export const constantText = (value: string, at: Place): Text => ({ at, constant: value, value: () => value });
