/**
 * peers/unrun-reporter - the end of a test run: what was not run, said loudly, and one plain line of counts.
 *
 * With CI=true anything not run or skipped fails the run: a proof that was not made is not a proof.
 */
import { styleText } from 'node:util';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { allUnrun, isCi } from './unrun.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A file that could not be loaded, and an error outside every test, are failures too. */
export function count(modules: readonly TestModule[], errors: readonly SerializedError[]): Counts {
  const states = modules.flatMap((module) => [
    ...[...module.children.allTests()].map((test) => test.result().state as string),
    ...module.errors().map(() => 'failed'),
  ]);
  const of = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length;
  return {
    passed: of('passed'),
    failed: of('failed') + errors.length,
    skipped: of('skipped', 'pending'),
  };
}

export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

export class UnrunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const counts = count(modules, errors);
    const unrun = allUnrun();
    if (unrun.length > 0) {
      const lines = unrun.map(({ name, why }) => `  NOT RUN  ${name}: ${why}`);
      const head = ` ${unrun.length} not run `;
      console.log(
        ['', styleText(['bold', 'yellow'], head.padStart(20, '=').padEnd(60, '=')), ...lines].join('\n'),
      );
    }
    if (isCi() && (unrun.length > 0 || counts.skipped > 0)) {
      console.log('CI=true: what is not run or skipped fails the run.');
      process.exitCode = 1;
    }
    console.log(`\n${closingLine(counts)}`);
  }
}

// biome-ignore lint/style/noDefaultExport: vitest loads reporters by default export
export default UnrunReporter;
