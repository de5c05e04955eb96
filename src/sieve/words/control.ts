/**
 * sieve/words/control - require, stop, and the tests that hold tests (RFC 5228 §3, §5).
 */
import type { Definition, Vocabulary } from '../definition.ts';
import { comparators } from '../match/comparator.ts';
import { hint } from '../nearest.ts';
import type { Scope } from '../scope.ts';

/** Extensions that switch others on (RFC 5228 §2.7.3; RFC 6131 §2; RFC 6609 §3.4). */
const implied: Readonly<Record<string, readonly string[]>> = {
  'vacation-seconds': ['vacation'],
  imapsieve: ['environment'],
  spamtestplus: ['spamtest'],
};

/** Switches extensions on; tells of names that are unknown. */
export function enable(
  names: readonly string[],
  scope: { readonly extensions: Set<string>; readonly compilation: { readonly vocabulary: Vocabulary } },
): readonly string[] {
  const unknown: string[] = [];
  for (const name of names) {
    if (!isExtension(name, scope.compilation.vocabulary)) unknown.push(name);
    else for (const one of [name, ...(implied[name] ?? [])]) scope.extensions.add(one);
  }
  return unknown;
}

export function isExtension(name: string, { extensions }: Vocabulary): boolean {
  if (!name.startsWith('comparator-')) return extensions.has(name);
  return comparators.has(name.slice('comparator-'.length));
}

const require: Definition = {
  kind: 'command',
  name: 'require',
  takes: [{ name: 'capabilities', type: 'strings' }],
  compile(call) {
    const { scope } = call;
    if (scope.depthOfBlocks > 0)
      return call.error("'require' stands inside a block: it belongs to the top of the script");
    if (scope.begun)
      return call.error("'require' stands behind other commands: it belongs to the top of the script");
    for (const text of call.texts('capabilities')) {
      const name = text.constant ?? '';
      if (enable([name], scope).length === 0) continue;
      const known = [
        ...scope.compilation.vocabulary.extensions,
        ...[...comparators.keys()].map((one) => `comparator-${one}`),
      ];
      call.error(`unknown extension "${name.slice(0, 60)}"${hint(name, known)}`, text.at);
    }
    return undefined;
  },
};

const stop: Definition = {
  kind: 'command',
  name: 'stop',
  compile: () => async () => ({ kind: 'stop' }),
};

const yes: Definition = {
  kind: 'test',
  name: 'true',
  compile: () => ({ constant: true, test: async () => true }),
};

const no: Definition = {
  kind: 'test',
  name: 'false',
  compile: () => ({ test: async () => false }),
};

const not: Definition = {
  kind: 'test',
  name: 'not',
  tests: 'one',
  compile({ tests: [inner] }) {
    return {
      ...(inner?.constant === undefined ? {} : { constant: !inner.constant }),
      test: async (run) => !(await inner?.test(run)),
    };
  },
};

const allof: Definition = {
  kind: 'test',
  name: 'allof',
  tests: 'list',
  compile: ({ tests }) => ({
    ...(tests.some(({ constant }) => constant === false) ? { constant: false } : {}),
    async test(run) {
      for (const inner of tests) if (!(await inner.test(run))) return false;
      return true;
    },
  }),
};

const anyof: Definition = {
  kind: 'test',
  name: 'anyof',
  tests: 'list',
  compile: ({ tests }) => ({
    ...(tests.every(({ constant }) => constant === false) ? { constant: false } : {}),
    async test(run) {
      for (const inner of tests) if (await inner.test(run)) return true;
      return false;
    },
  }),
};

/** Extensions that change how strings are read cannot be switched on half-way (RFC 5463 §4). */
const mayTest = (name: string, scope: Scope): boolean =>
  name === 'variables' || name === 'encoded-character'
    ? scope.has(name)
    : isExtension(name, scope.compilation.vocabulary);

/** RFC 5463 §4: compiling already knows the answer, and the extensions are on from here. */
const ihave: Definition = {
  kind: 'test',
  name: 'ihave',
  needs: ['ihave'],
  takes: [{ name: 'capabilities', type: 'strings' }],
  compile(call) {
    const names: string[] = [];
    for (const { constant, at } of call.texts('capabilities')) {
      if (constant === undefined) return call.error('ihave takes plain strings, no variables', at);
      names.push(constant);
    }
    const { scope } = call;
    const constant = names.every((name) => mayTest(name, scope));
    if (constant) enable(names, scope);
    return { constant, test: async () => constant };
  },
};

/** RFC 5463 §5. */
const error: Definition = {
  kind: 'command',
  name: 'error',
  needs: ['ihave'],
  takes: [{ name: 'message', type: 'string' }],
  compile(call) {
    const message = call.text('message');
    return async (run) => {
      throw run.trouble(message.value(run));
    };
  },
};

export const controlWords: readonly Definition[] = [require, stop, yes, no, not, allof, anyof, ihave, error];
