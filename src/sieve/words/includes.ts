/**
 * sieve/words/includes - include, return, global (RFC 6609).
 *
 * An included script is compiled with the one that includes it, once. It has its own variables; those that both
 * declare `global` they share.
 */
import { isVariableName } from '../../protocol/sieve/template.ts';
import type { Call } from '../bind.ts';
import { compileIn } from '../compile.ts';
import type { Definition, Step } from '../definition.ts';

import type { Location } from '../scope.ts';
import type { Script } from '../script.ts';
import { Variables } from '../variables.ts';

/** RFC 6609 §3.2 and RFC 5804 §1.6: text without control characters; no paths. */
const isScriptName = (name: string): boolean =>
  name !== '' && name.length <= 128 && name.isWellFormed() && !/[\x00-\x1f\x7f-\x9f\u2028\u2029/]/.test(name);

const include: Definition = {
  kind: 'command',
  name: 'include',
  needs: ['include'],
  tags: [
    { name: 'personal', group: 'location' },
    { name: 'global', group: 'location' },
    { name: 'once' },
    { name: 'optional' },
  ],
  takes: [{ name: 'script name', type: 'string' }],
  async compile(call) {
    const { constant: name, at } = call.text('script name');
    if (name === undefined)
      return call.error('a script to include is named by a plain string, not by a variable', at);
    if (!isScriptName(name)) return call.error(`"${name.slice(0, 60)}" is no name of a script`, at);
    const location: Location = call.has('global') ? 'global' : 'personal';
    const key = `${location}/${name}`;
    const found = await findScript(call, location, name, key);
    return found === undefined ? undefined : runIncluded(key, found, call.has('once'));
  },
};

interface Found {
  /** Empty while the script is still being compiled: it includes itself. */
  readonly script: () => Script | null | undefined;
}

async function findScript(
  call: Call,
  location: Location,
  name: string,
  key: string,
): Promise<Found | undefined> {
  const { scope } = call;
  const { compilation } = scope;
  const { included, limits, find } = compilation;
  const script = () => included.get(key);
  if (included.has(key)) {
    if (included.get(key) !== null) return { script };
    if (call.has('once')) return { script };
    return call.error(`the script "${name}" includes itself, by way of others or not: circular include`);
  }
  if (scope.depth + 1 > limits.includeDepth)
    return call.error(`scripts are included too deep: at most ${limits.includeDepth} levels are permitted`);
  if (included.size >= limits.includes)
    return call.error(`too many scripts are included: at most ${limits.includes} are permitted`);
  const text = await find(location, name);
  if (text === undefined) {
    if (call.has('optional')) return { script: () => undefined };
    return call.error(`the ${location} script "${name}" to include is not there`);
  }
  included.set(key, null);
  const result = await compileIn(compilation, text, name, scope.depth + 1);
  if (result.script === undefined) {
    scope.problems.push(...result.problems);
    included.delete(key);
    return call.error(`the included script "${name}" has errors`);
  }
  scope.problems.push(...result.problems);
  included.set(key, result.script);
  return { script };
}

function runIncluded(key: string, { script }: Found, once: boolean): Step {
  return async (run) => {
    const included = script();
    if (included === undefined || included === null || (once && run.ran.has(key))) return undefined;
    run.ran.add(key);
    run.includeDepth += 1;
    if (run.includeDepth > run.limits.includeDepth) throw run.trouble('scripts are included too deep');
    const outer = { variables: run.variables, matched: run.matched, reason: run.reason, script: run.script };
    run.variables = new Variables(run.limits);
    run.matched = [];
    const signal = await included.body(run);
    Object.assign(run, outer);
    run.includeDepth -= 1;
    return signal?.kind === 'stop' ? signal : undefined;
  };
}

const returnWord: Definition = {
  kind: 'command',
  name: 'return',
  needs: ['include'],
  compile: () => async () => ({ kind: 'return' }),
};

const global: Definition = {
  kind: 'command',
  name: 'global',
  needs: ['include'],
  takes: [{ name: 'variables', type: 'strings' }],
  compile(call) {
    const { scope } = call;
    if (!scope.has('variables')) return call.error('the global command needs require "variables" too');
    for (const { constant, at } of call.texts('variables')) {
      const name = constant?.toLowerCase();
      if (name === undefined || !isVariableName(name) || name.includes('.')) {
        return call.error(
          `"${(constant ?? '').slice(0, 60)}" is no name of a variable: a plain word is expected`,
          at,
        );
      }
      if (scope.locals.has(name))
        return call.error(`the variable "${name}" is used before it is declared global`, at);
      scope.globals.add(name);
    }
    return undefined;
  },
};

export const includeWords: readonly Definition[] = [include, returnWord, global];
