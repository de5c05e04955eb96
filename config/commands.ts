/**
 * config/commands - `isthmus config check | show | example | reference | schema`: text and exit code, nothing printed
 * here. Exit codes: 0 well, 1 problems in the file.
 */
import { exampleText, referenceText } from './generate.ts';
import { printJsonSchema } from './json-schema.ts';
import { type Loaded, type LoadOptions, loadConfig } from './load.ts';
import { type Problem, printProblem } from './problem.ts';
import { effectiveValues, printEffective } from './show.ts';

export interface CommandResult {
  readonly text: string;
  readonly exitCode: number;
}

export interface CommandOptions extends LoadOptions {
  readonly json: boolean;
}

/** Text: a summary, or a line for each problem. JSON: an array of problems, warnings too; empty when all is well. */
export function checkCommand(path: string, options: CommandOptions): CommandResult {
  const result = loadConfig(path, options);
  const problems = result.ok ? result.loaded.warnings : result.problems;
  const exitCode = result.ok ? 0 : 1;
  if (options.json) return { text: `${JSON.stringify(problems, null, 2)}\n`, exitCode };
  const lines = problems.map(printProblem);
  lines.push(result.ok ? summarise(path, result.loaded) : countOf(problems));
  return { text: `${lines.join('\n')}\n`, exitCode };
}

/** The configuration in effect, defaults included, secrets as `***`. */
export function showCommand(path: string, options: CommandOptions): CommandResult {
  const result = loadConfig(path, options);
  if (!result.ok) return checkCommand(path, options);
  const { loaded } = result;
  const text = options.json
    ? `${JSON.stringify(effectiveValues(loaded), null, 2)}\n`
    : printEffective(loaded);
  return { text, exitCode: 0 };
}

export const exampleCommand = (): CommandResult => ({ text: exampleText(), exitCode: 0 });
export const referenceCommand = (): CommandResult => ({ text: referenceText(), exitCode: 0 });
export const schemaCommand = (): CommandResult => ({ text: printJsonSchema(), exitCode: 0 });

function countOf(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  return [count(errors, 'error'), ...(warnings === 0 ? [] : [count(warnings, 'warning')])].join(', ');
}

function summarise(path: string, { config, warnings }: Loaded): string {
  const facts = [config.hostname, ...(warnings.length === 0 ? [] : [count(warnings.length, 'warning')])];
  return `${path}: OK (${facts.join(', ')})`;
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
