/**
 * sieve/script - a compiled script.
 */
import type { Step } from './definition.ts';

export interface Script {
  readonly name: string;
  /** It was fit to be run; else there are problems and no steps. */
  readonly body: Step;
  /** Extensions in force at its end. */
  readonly extensions: ReadonlySet<string>;
}
