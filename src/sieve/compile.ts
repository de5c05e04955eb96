/**
 * sieve/compile - a script's text into steps that can be run any number of times, or all that is wrong with it.
 *
 * Pure but for the scripts that it includes, which are asked for by name. Strict: what is not understood is an error
 * now, never later (RFC 5228 §2.10.5); the exception is what stands behind a false `ihave` (RFC 5463).
 */
import { parseScript } from '../protocol/sieve/parse.ts';
import { printTest } from '../protocol/sieve/print.ts';
import type { CommandNode, TestNode } from '../protocol/sieve/syntax.ts';
import { bind, Call, nameOf } from './bind.ts';
import type { Check, Definition, Step, Vocabulary } from './definition.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { hint } from './nearest.ts';
import { type Compilation, type FindScript, Scope, type ScriptProblem } from './scope.ts';
import type { Script } from './script.ts';
import { vocabulary as ours } from './vocabulary.ts';

export interface CompileOptions {
  /** For messages. */
  readonly name?: string;
  readonly limits?: Limits;
  readonly find?: FindScript;
  readonly vocabulary?: Vocabulary;
  readonly knownList?: (name: string) => boolean;
}

export type CompileResult =
  | { readonly script: Script; readonly problems: readonly ScriptProblem[] }
  | { readonly script?: undefined; readonly problems: readonly ScriptProblem[] };

/** Warnings do not keep a script from being used; errors do. */
export async function compile(text: string, options: CompileOptions = {}): Promise<CompileResult> {
  const compilation: Compilation = {
    vocabulary: options.vocabulary ?? ours,
    limits: options.limits ?? defaultLimits,
    find: options.find ?? (async () => undefined),
    included: new Map(),
    knownList: options.knownList,
  };
  return compileIn(compilation, text, options.name ?? 'script', 0);
}

/** The same, for an included script. */
export async function compileIn(
  compilation: Compilation,
  text: string,
  name: string,
  depth: number,
): Promise<CompileResult> {
  const size = Buffer.byteLength(text);
  if (size > compilation.limits.scriptSize) {
    const wrong = `the script has ${size} octets, ${compilation.limits.scriptSize} are permitted`;
    return { problems: [{ script: name, severity: 'error', line: 1, column: 1, text: wrong }] };
  }
  const { commands, problems } = parseScript(text);
  if (problems.length > 0) return { problems: problems.map((one) => ({ script: name, ...one })) };
  const scope = new Scope(compilation, name, depth);
  const body = await compileBlock(commands, scope);
  // RFC 5703 §7: it has a meaning inside loops only.
  const alone = scope.has('extracttext') && !scope.has('foreverypart');
  if (alone)
    scope.error({ line: 1, column: 1 }, 'the extension "extracttext" needs require "foreverypart" too');
  if (scope.failed) return { problems: scope.problems };
  return { script: { name, body, extensions: scope.extensions }, problems: scope.problems };
}

/** Nothing; also what became of what is wrong. */
const nothing: Step = async () => undefined;
const never: Check = { test: async () => false };

interface Branch {
  /** undefined for `else`. */
  readonly check: Check | undefined;
  readonly step: Step;
  readonly node: CommandNode;
}

async function compileBlock(commands: readonly CommandNode[], scope: Scope): Promise<Step> {
  const steps: Step[] = [];
  let branches: Branch[] | undefined;
  let chain: 'none' | 'open' | 'closed' = 'none';
  for (const node of commands) {
    const { name } = node;
    if (name === 'elsif' || name === 'else') {
      const branch = await compileBranch(node, scope, branches);
      if (chain !== 'open') scope.error(node.at, `'${name}' needs an if or elsif before it`);
      else if (branch) branches?.push(branch);
      chain = name === 'else' ? (chain === 'none' ? 'none' : 'closed') : 'open';
      continue;
    }
    branches = undefined;
    chain = 'none';
    if (name === 'if') {
      branches = [];
      steps.push(chooseBranch(branches, scope));
      const branch = await compileBranch(node, scope, branches);
      if (branch) branches.push(branch);
      chain = 'open';
    } else steps.push(await compileCommand(node, scope));
  }
  return sequence(steps);
}

async function compileInner(block: readonly CommandNode[], scope: Scope): Promise<Step> {
  scope.depthOfBlocks += 1;
  const step = await compileBlock(block, scope);
  scope.depthOfBlocks -= 1;
  return step;
}

function sequence(steps: readonly Step[]): Step {
  return async (run) => {
    for (const step of steps) {
      if (run.isTired) await run.rest();
      const signal = await step(run);
      if (signal !== undefined) return signal;
    }
    return undefined;
  };
}

/** What can be known of a branch without running it: an earlier one that is always taken leaves it dead. */
async function compileBranch(
  node: CommandNode,
  scope: Scope,
  earlier: readonly Branch[] | undefined,
): Promise<Branch | undefined> {
  scope.begun = true;
  const definition = branchDefinitions[node.name] as Definition;
  const good = bind(node, definition, scope) !== undefined && checkShape(node, definition, scope);
  const dead = earlier?.some(({ check }) => check?.constant === true) ?? false;
  if (dead) return undefined;
  const [test] = node.tests;
  const check = test && !node.list ? compileTest(test, scope) : undefined;
  if (node.block === undefined) return undefined;
  const step = check?.constant === false ? nothing : await compileInner(node.block, scope);
  return good ? { check: node.name === 'else' ? undefined : (check ?? never), step, node } : undefined;
}

const branchDefinitions: Readonly<Record<string, Definition>> = Object.fromEntries(
  (['if', 'elsif', 'else'] as const).map((name) => [
    name,
    {
      kind: 'command',
      name,
      block: true,
      ...(name === 'else' ? {} : { tests: 'one' as const }),
      compile: () => undefined,
    } satisfies Definition,
  ]),
);

function chooseBranch(branches: readonly Branch[], scope: Scope): Step {
  return async (run) => {
    for (const { check, step, node } of branches) {
      run.enter(node.at, scope.script);
      const taken = check === undefined || (await check.test(run));
      run.tell(node.at, scope.script, () =>
        check === undefined
          ? 'else'
          : `${node.name} ${printTest(node.tests[0] as TestNode)}: ${taken ? 'yes' : 'no'}`,
      );
      if (!taken) continue;
      const outer = run.reason;
      run.reason = { line: node.at.line, node };
      const signal = await step(run);
      run.reason = outer;
      return signal;
    }
    return undefined;
  };
}

/** Sub-tests and block: as many as the definition asks for. */
function checkShape(node: CommandNode, definition: Definition, scope: Scope): boolean {
  const found = node.tests.length;
  const count = found === 1 ? '1 is' : `${found} are`;
  const [first] = node.tests;
  if (definition.tests === undefined && first !== undefined) {
    const isCommand = definition.kind === 'command' && !isTest(first.name, scope);
    scope.error(
      first.at,
      isCommand && !node.list
        ? `missing semicolon behind the ${node.name} command, before '${first.name}'`
        : `${nameOf(definition)} accepts no sub-tests, but ${count} specified`,
    );
    return false;
  }
  if (definition.tests === 'one' && (found !== 1 || node.list)) {
    scope.error(
      node.at,
      `${nameOf(definition)} requires one test, but ${node.list ? 'a list' : 'none'} is specified`,
    );
    return false;
  }
  if (definition.tests === 'list' && !node.list) {
    scope.error(node.at, `${nameOf(definition)} requires a list of tests in parentheses`);
    return false;
  }
  if (definition.kind === 'command') {
    if (definition.block && node.block === undefined) {
      scope.error(node.at, `${nameOf(definition)} requires a block in braces`);
      return false;
    }
    if (!definition.block && node.block !== undefined) {
      scope.error(node.at, `${nameOf(definition)} accepts no block`);
      return false;
    }
  }
  return true;
}

const isTest = (name: string, scope: Scope): boolean => scope.compilation.vocabulary.tests.has(name);

/** The definition of a word, or undefined when that was told to be wrong. */
function define(node: TestNode, kind: 'command' | 'test', scope: Scope): Definition | undefined {
  const { commands, tests } = scope.compilation.vocabulary;
  const definition = kind === 'command' ? commands.get(node.name) : tests.get(node.name);
  if (definition === undefined) {
    const other = kind === 'command' ? 'test' : 'command';
    const known = [...(kind === 'command' ? commands : tests).keys()];
    const isOther =
      other === 'test'
        ? tests.has(node.name)
        : commands.has(node.name) || Object.hasOwn(branchDefinitions, node.name);
    scope.error(
      node.at,
      isOther
        ? `cannot use ${other} '${node.name}' as a ${kind}`
        : `unknown ${kind} '${node.name}'${hint(node.name, known)}`,
    );
    return undefined;
  }
  if (definition.needs !== undefined && !definition.needs.some((name) => scope.has(name))) {
    scope.error(node.at, `unknown ${kind} '${node.name}' without require "${definition.needs[0]}"`);
    return undefined;
  }
  return definition;
}

async function compileCommand(node: CommandNode, scope: Scope): Promise<Step> {
  const definition = define(node, 'command', scope);
  if (definition?.kind !== 'command') return nothing;
  if (node.name !== 'require') scope.begun = true;
  const bound = bind(node, definition, scope);
  if (bound === undefined || !checkShape(node, definition, scope)) return nothing;
  const loop = node.name === 'foreverypart';
  if (loop) scope.loops.push(loopName(node));
  const tests = node.tests.map((test) => compileTest(test, scope) ?? never);
  const block = node.block === undefined ? nothing : await compileInner(node.block, scope);
  if (loop) scope.loops.pop();
  const step = await definition.compile(new Call(node, scope, definition, bound, { tests, block }));
  if (step === undefined) return nothing;
  return (run) => {
    run.enter(node.at, scope.script);
    return step(run);
  };
}

function loopName(node: CommandNode): string | undefined {
  const at = node.args.findIndex((argument) => argument.kind === 'tag' && argument.name === 'name');
  const value = at < 0 ? undefined : node.args[at + 1];
  return value?.kind === 'string' ? value.value : undefined;
}

export function compileTest(node: TestNode, scope: Scope): Check | undefined {
  const definition = define(node, 'test', scope);
  if (definition?.kind !== 'test') return undefined;
  const bound = bind(node, definition, scope);
  if (bound === undefined || !checkShape(node, definition, scope)) return undefined;
  const tests: Check[] = [];
  for (const inner of node.tests) {
    const check = compileTest(inner, scope) ?? never;
    tests.push(check);
    // What stands behind a false ihave is not looked at.
    if (node.name === 'allof' && check.constant === false) break;
    if (node.name === 'anyof' && check.constant === true) break;
  }
  const check = definition.compile(new Call(node, scope, definition, bound, { tests, block: nothing }));
  if (check === undefined) return undefined;
  return {
    ...check,
    test: (run) => {
      run.enter(node.at, scope.script);
      return check.test(run);
    },
  };
}
