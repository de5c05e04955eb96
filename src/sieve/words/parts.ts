/**
 * sieve/words/parts - foreverypart, break, extracttext (RFC 5703 §3, §7).
 */
import { isVariableName } from '../../protocol/sieve/template.ts';
import type { Definition } from '../definition.ts';
import { walk } from '../message/mime.ts';
import { readableText } from './body.ts';
import { compileModifiers, modifierTags } from './variable-words.ts';

/** Loops in each other. */
const loopLimit = 4;

const foreverypart: Definition = {
  kind: 'command',
  name: 'foreverypart',
  needs: ['foreverypart'],
  block: true,
  tags: [{ name: 'name', value: 'string' }],
  compile(call) {
    const name = call.optionalText(':name')?.constant;
    if (call.has('name') && name === undefined)
      return call.error('a loop is named by a plain string', call.tagAt('name'));
    if (call.scope.loops.length >= loopLimit)
      return call.error(`nested too deep: at most ${loopLimit} loops are permitted in each other`);
    const { block } = call;
    return async (run) => {
      if (run.parts.length >= loopLimit)
        throw run.trouble('foreverypart is nested too deep, over included scripts');
      const outer = run.parts.at(-1)?.part;
      const root = outer ?? (await run.message.parts((work) => run.spend(work)));
      // An inner loop goes over what is inside the part at hand (RFC 5703 §3).
      const inside = [...walk(root)].slice(outer === undefined ? 0 : 1);
      for (const part of inside) {
        run.spend(1);
        run.parts.push({ part });
        const signal = await block(run);
        run.parts.pop();
        if (signal?.kind === 'break')
          return signal.loop === undefined || signal.loop === name ? undefined : signal;
        if (signal !== undefined) return signal;
      }
      return undefined;
    };
  },
};

const breakWord: Definition = {
  kind: 'command',
  name: 'break',
  needs: ['foreverypart'],
  tags: [{ name: 'name', value: 'string' }],
  compile(call) {
    const loop = call.optionalText(':name')?.constant;
    const { loops } = call.scope;
    if (loops.length === 0) return call.error("'break' stands outside of any foreverypart");
    if (call.has('name') && (loop === undefined || !loops.includes(loop))) {
      return call.error(
        `there is no foreverypart named "${(loop ?? '').slice(0, 40)}" around this break`,
        call.tagAt('name'),
      );
    }
    return async () => ({ kind: 'break', loop });
  },
};

const extracttext: Definition = {
  kind: 'command',
  name: 'extracttext',
  needs: ['extracttext'],
  tags: [...modifierTags, { name: 'first', value: 'number' }],
  takes: [{ name: 'variable name', type: 'string' }],
  compile(call) {
    const text = call.text('variable name');
    const name = text.constant?.toLowerCase();
    const { scope } = call;
    if (!scope.has('variables')) return call.error('extracttext needs require "variables"');
    if (scope.loops.length === 0) return call.error('extracttext stands outside of any foreverypart');
    if (name === undefined || !isVariableName(name) || name.includes('.')) {
      return call.error('extracttext takes the name of a variable: a plain word', text.at);
    }
    const first = call.number(':first');
    const modify = compileModifiers((tag) => call.has(tag));
    const global = scope.globals.has(name);
    return async (run) => {
      const { part } = run;
      let found = part?.type.startsWith('text/') ? readableText(run, part) : '';
      if (found.length > run.limits.textSize) found = found.slice(0, run.limits.textSize);
      run.spend(1 + (found.length >> 4));
      run.setVariable(
        name,
        global,
        modify(first === undefined ? found : firstOf(found, first), run.limits.variableSize),
      );
      return undefined;
    };
  },
};

/** The first characters, not code units. */
function firstOf(text: string, count: number): string {
  let at = 0;
  for (let taken = 0; taken < count && at < text.length; taken += 1)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, at);
}

export const partWords: readonly Definition[] = [foreverypart, breakWord, extracttext];
