/**
 * sieve/run - one script over one message: what it decides, as values (RFC 5228 §2.10).
 *
 * Bounded: each step, each character compared counts as work, and beyond the limit the script has failed. Between
 * commands it lets others run now and then. Whatever
 * fails, the outcome is the implicit keep with the problem beside it; only a bug of ours or a handed-in function
 * that rejects makes `run` reject.
 */
import { printTest } from '../protocol/sieve/print.ts';
import type { CommandNode, Place } from '../protocol/sieve/syntax.ts';
import type { Vocabulary } from './definition.ts';
import type { Environment } from './environment.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { Message } from './message/message.ts';
import type { Part } from './message/mime.ts';
import type { Because, Outcome, RuntimeProblem } from './outcome.ts';
import { Result } from './result.ts';
import type { Script } from './script.ts';
import { SieveTrouble } from './trouble.ts';
import { Variables } from './variables.ts';
import { vocabulary as ours } from './vocabulary.ts';

const storyLimit = 200;
const storyLine = 200;
const warningLimit = 20;
/** Steps of work, about a twentieth of a second. */
const restEvery = 1_000_000;

export interface RunOptions {
  readonly limits?: Limits;
  readonly vocabulary?: Vocabulary;
  /** Of the script before this one in a sequence. */
  readonly before?: Result;
}

export class Run {
  environment: Environment;
  message: Message;
  limits: Limits;
  readonly vocabulary: Vocabulary;
  result: Result;
  readonly globals: Map<string, string> = new Map();
  variables: Variables;
  /** `${0}` and on (RFC 5229 §3.2). */
  matched: readonly string[] = [];
  /** The part at hand of each loop, innermost last (RFC 5703 §3). */
  readonly parts: { readonly part: Part }[] = [];
  /** Included with :once, or before, by location and name. */
  readonly ran = new Set<string>();
  includeDepth = 0;
  place: Place = { line: 1, column: 1 };
  script: string;
  /** The innermost `if` that led here. */
  reason: { readonly line: number; readonly node: CommandNode } | undefined;
  readonly story: Because[] = [];
  readonly warnings: RuntimeProblem[] = [];
  #work = 0;
  #rested = 0;

  constructor(script: string, environment: Environment, options: RunOptions = {}) {
    this.script = script;
    this.environment = environment;
    this.limits = options.limits ?? defaultLimits;
    this.vocabulary = options.vocabulary ?? ours;
    this.message = new Message(environment.message);
    this.result = options.before ?? new Result();
    this.variables = new Variables(this.limits);
  }

  get work(): number {
    return this.#work;
  }

  /** A command or test begins. */
  enter(place: Place, script: string): void {
    this.place = place;
    this.script = script;
    this.spend(1);
  }

  /** It has worked for long enough without a pause: others wait in this process. */
  get isTired(): boolean {
    return this.#work - this.#rested > restEvery;
  }

  async rest(): Promise<void> {
    this.#rested = this.#work;
    await new Promise(setImmediate);
  }

  spend(work: number): void {
    this.#work += work;
    if (this.#work > this.limits.work) {
      throw this.trouble('the script takes too much time: execution exceeds the limit of work');
    }
  }

  trouble(text: string): SieveTrouble {
    return new SieveTrouble(this.script, this.place, text);
  }

  /** Something is wrong, and the script goes on. */
  warn(text: string): void {
    if (this.warnings.length < warningLimit) this.warnings.push({ script: this.script, ...this.place, text });
  }

  tell({ line, column }: Place, script: string, text: () => string): void {
    if (this.story.length < storyLimit) this.story.push({ script, line, column, text: shorten(text()) });
  }

  because(text: string): Because {
    const why =
      this.reason && `, because of line ${this.reason.line}: ${shorten(branchText(this.reason.node))}`;
    return { script: this.script, ...this.place, text: `${shorten(text)}${why ?? ''}` };
  }

  variable(name: string, global: boolean): string {
    const dot = name.indexOf('.');
    if (dot < 0) return (global ? this.globals.get(name) : this.variables.get(name)) ?? '';
    const space = name.slice(0, dot);
    if (space === 'global') return this.globals.get(name.slice(dot + 1)) ?? '';
    return this.vocabulary.namespaces.get(space)?.(this, name.slice(dot + 1)) ?? '';
  }

  setVariable(name: string, global: boolean, value: string): void {
    const dot = name.indexOf('.');
    if (dot < 0 && !global) {
      if (!this.variables.set(name, value)) throw this.trouble('too many variables');
      return;
    }
    const key = name.slice(dot + 1);
    if (!this.globals.has(key) && this.globals.size >= this.limits.variables)
      throw this.trouble('too many variables');
    this.globals.set(key, this.variables.cut(value));
  }

  matchValue(index: number): string {
    return this.matched[index] ?? '';
  }

  /** Where tests with :mime look: the part of the innermost loop, or the whole message. */
  get part(): Part | undefined {
    return this.parts.at(-1)?.part;
  }
}

const branchText = (node: CommandNode): string =>
  node.tests[0] ? `${node.name} ${printTest(node.tests[0])}` : 'else';

const shorten = (text: string): string => {
  const line = text.replace(/[\x00-\x1f\x7f]+/g, ' ');
  return line.length > storyLine ? `${line.slice(0, storyLine)}…` : line;
};

/** Runs one script. */
export const run = (script: Script, environment: Environment, options: RunOptions = {}): Promise<Outcome> =>
  runAll([script], environment, options);

/**
 * Runs scripts one behind the other, as operators' scripts before and after the owner's: the next one is run while the
 * message is kept, by word or implicitly. Variables are each script's own; what the header was edited to goes on.
 */
export async function runAll(
  scripts: readonly Script[],
  environment: Environment,
  options: RunOptions = {},
): Promise<Outcome> {
  const result = options.before ?? new Result();
  const story: Because[] = [];
  const warnings: RuntimeProblem[] = [];
  let work = 0;
  let message: Message | undefined;
  let state: Run | undefined;
  for (const script of scripts) {
    if (state !== undefined) {
      if (!result.keeps) break;
      result.continue();
    }
    state = new Run(script.name, environment, { ...options, before: result });
    if (message) state.message = message;
    message = state.message;
    try {
      await script.body(state);
    } catch (error) {
      if (!(error instanceof SieveTrouble)) throw error;
      return {
        ...Result.afterFailure(state),
        problem: { script: error.script, ...error.place, text: error.message },
        warnings: [...warnings, ...state.warnings],
        story: [...story, ...state.story],
        work: work + state.work,
      };
    }
    story.push(...state.story);
    warnings.push(...state.warnings);
    work += state.work;
  }
  if (state === undefined) throw new Error('there is no script to run');
  return { ...result.finish(state), warnings, story, work };
}
