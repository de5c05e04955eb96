/**
 * sieve/words/flags - setflag, addflag, removeflag, hasflag (RFC 5232).
 */
import { isVariableName } from '../../protocol/sieve/template.ts';
import type { Call } from '../bind.ts';
import type { Definition, Step, Text } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import type { Run } from '../run.ts';

const flagLimit = 100;

/** A keyword, or a system flag but \Recent, which nobody may set (RFC 9051 §2.3.2). */
const isFlag = (flag: string): boolean =>
  /^\\(?:Answered|Flagged|Deleted|Seen|Draft)$/i.test(flag) ||
  /^[^\s()<{%*"\\\]\x00-\x1f\x7f-\u{10ffff}]+$/u.test(flag);

/** One list of flags: strings may hold several, what is no flag is passed over, each stands once (RFC 5232 §2). */
export function splitFlags(values: readonly string[]): readonly string[] {
  const flags = new Map<string, string>();
  for (const flag of values.flatMap((value) => value.split(/\s+/))) {
    const key = flag.toLowerCase();
    if (isFlag(flag) && !flags.has(key) && flags.size < flagLimit) flags.set(key, flag);
  }
  return [...flags.values()];
}

type Change = (had: readonly string[], given: readonly string[]) => readonly string[];

const changes: Readonly<Record<string, Change>> = {
  setflag: (_, given) => given,
  addflag: (had, given) => splitFlags([...had, ...given]),
  removeflag(had, given) {
    const gone = new Set(given.map((flag) => flag.toLowerCase()));
    return had.filter((flag) => !gone.has(flag.toLowerCase()));
  },
};

const commands: readonly Definition[] = Object.entries(changes).map(([name, change]) => ({
  kind: 'command',
  name,
  needs: ['imap4flags'],
  takes: [
    { name: 'variable name', type: 'string', optional: true },
    { name: 'list of flags', type: 'strings' },
  ],
  compile: (call) => compileChange(call, change),
}));

function compileChange(call: Call, change: Change): Step | undefined {
  const variable = readVariableName(call, call.optionalText('variable name'));
  if (variable === null) return undefined;
  const list = call.texts('list of flags');
  const global = variable !== undefined && call.scope.globals.has(variable);
  return async (run) => {
    const given = splitFlags(list.map((text) => text.value(run)));
    const next = change(flagsIn(run, variable, global), given);
    if (variable === undefined) run.result.flags = next;
    else run.setVariable(variable, global, next.join(' '));
    return undefined;
  };
}

/** undefined: none was given; null: what is wrong has been told. */
function readVariableName(call: Call, text: Text | undefined): string | undefined | null {
  if (text === undefined) return undefined;
  if (!call.scope.has('variables')) {
    call.error('a variable for flags needs require "variables"', text.at);
    return null;
  }
  if (text.constant === undefined || !isVariableName(text.constant)) {
    call.error('a variable is named by a plain word', text.at);
    return null;
  }
  return text.constant.toLowerCase();
}

function flagsIn(run: Run, variable: string | undefined, global: boolean): readonly string[] {
  if (variable === undefined) return run.result.flags ?? [];
  const value = run.variable(variable, global);
  run.spend(1 + (value.length >> 3));
  return splitFlags([value]);
}

const hasflag: Definition = {
  kind: 'test',
  name: 'hasflag',
  needs: ['imap4flags'],
  tags: matchTags,
  takes: [
    { name: 'variable list', type: 'strings', optional: true },
    { name: 'list of flags', type: 'strings' },
  ],
  compile(call) {
    const list = call.texts('list of flags');
    const given = call.texts('variable list');
    const names = given.map((text) => readVariableName(call, text));
    if (names.includes(null)) return undefined;
    // RFC 5232 §4: a key may hold several flags.
    const match = compileMatch(call, list, (keys) =>
      keys.flatMap((key) => key.split(/\s+/)).filter((key) => key !== ''),
    );
    if (!match) return undefined;
    const where = names.length === 0 ? [undefined] : (names as string[]);
    return {
      test: (run) =>
        match(
          run,
          where.flatMap((name) => flagsIn(run, name, name !== undefined && call.scope.globals.has(name))),
        ),
    };
  },
};

export const flagWords: readonly Definition[] = [...commands, hasflag];
