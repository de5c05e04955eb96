/**
 * svtest/run - `npm run svtest -- DIR…`: other people's Sieve test scripts (`.svtest`) against our interpreter.
 *
 * Counts per folder, each failure with its reason; `--json` for machines. Exit code 0 only when nothing failed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeOctets } from '../../src/protocol/sieve/octets.ts';
import { compile } from '../../src/sieve/compile.ts';
import { Run } from '../../src/sieve/run.ts';
import { SieveTrouble } from '../../src/sieve/trouble.ts';
import { Suite, TestFailure } from './suite.ts';
import { suiteVocabulary } from './words.ts';

export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly string[];
}

/** A file that cannot be compiled or that dies outside of its tests counts as one failure more. */
export async function runFile(file: string): Promise<FileResult> {
  const suite = new Suite(file, suiteVocabulary);
  const vocabulary = suite.vocabulary();
  const { script, problems } = await compile(decodeOctets(readFileSync(file)), {
    vocabulary,
    find: suite.find,
  });
  if (script === undefined) {
    if (basename(dirname(file)) === 'failures') return { file, passed: 1, failures: [] };
    const [first] = problems.filter(({ severity }) => severity === 'error');
    return {
      file,
      passed: 0,
      failures: [`does not compile: ${first?.line}:${first?.column}: ${first?.text}`],
    };
  }
  const failures: string[] = [];
  try {
    await script.body(new Run(file, suite.environment(), { vocabulary, limits: suite.limits }));
  } catch (error) {
    if (!(error instanceof TestFailure) && !(error instanceof SieveTrouble)) throw error;
    failures.push(`outside of tests: ${error.message}`);
  }
  // Scripts in `failures` are meant to fail, and not to end us: a trouble of the script is what they are for.
  if (basename(dirname(file)) === 'failures') return { file, passed: 1, failures: [] };
  for (const { name, failure } of suite.tests)
    if (failure !== undefined) failures.push(`${name}: ${failure}`);
  return { file, passed: suite.tests.filter(({ failure }) => failure === undefined).length, failures };
}

/** `.svtest.in` are test scripts too, of which a build makes others; they hold nothing to replace. */
export function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.svtest(?:\.in)?$/.test(name))
    .map((name) => join(path, name))
    .toSorted();
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' } },
  });
  const [root] = positionals;
  if (root === undefined) {
    process.stderr.write('usage: npm run svtest -- DIR… [--json]\n');
    process.exit(64);
  }
  const results: FileResult[] = [];
  for (const file of positionals.flatMap(filesIn)) results.push(await runFile(file));
  const failed = results.reduce((sum, { failures }) => sum + failures.length, 0);
  const passed = results.reduce((sum, one) => sum + one.passed, 0);
  if (values.json) process.stdout.write(`${JSON.stringify({ passed, failed, files: results })}\n`);
  else print(results, root, passed, failed);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

function print(results: readonly FileResult[], root: string, passed: number, failed: number): void {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const folders = Map.groupBy(results, ({ file }) => relative(root, dirname(file)) || '.');
  for (const [folder, files] of folders) {
    const good = files.reduce((sum, one) => sum + one.passed, 0);
    const bad = files.reduce((sum, { failures }) => sum + failures.length, 0);
    say(`${folder}: ${good} passed, ${bad} failed (${files.length} files)`);
    for (const { file, failures } of files)
      for (const failure of failures) say(`  FAILED ${relative(root, file)}: ${failure}`);
  }
  say(`${results.length} files, ${passed} tests passed, ${failed} failed`);
}

if (import.meta.main) await main();
