/**
 * peers/unrun - what could not be run, kept for the end of the run.
 *
 * Each test process appends a line to a file in a folder of this run; the reporter reads it and says it loudly.
 */
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Unrun {
  /** A peer or a suite. */
  readonly name: string;
  readonly why: string;
}

const variable = 'ISTHMUS_TEST_RUN';

/**
 * A folder that belongs to this run; inherited by the processes that the run starts, and gone when the one that made it
 * ends. Anyone may pass through it.
 */
export function runFolder(): string {
  const known = process.env[variable];
  if (known !== undefined && existsSync(known)) return known;
  const made = mkdtempSync(join(tmpdir(), 'isthmus-run-'));
  chmodSync(made, 0o755);
  process.env[variable] = made;
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}

const file = () => join(runFolder(), 'unrun.jsonl');

export function unrun(name: string, why: string): void {
  appendFileSync(file(), `${JSON.stringify({ name, why } satisfies Unrun)}\n`);
}

/** Each thing once, in the order in which it was recorded. */
export function allUnrun(): readonly Unrun[] {
  if (!existsSync(file())) return [];
  const lines = readFileSync(file(), 'utf8').split('\n').filter(Boolean);
  return [...new Set(lines)].map((line) => JSON.parse(line) as Unrun);
}

/** In CI nothing may be left out. */
export const isCi = (): boolean => process.env.CI === 'true' || process.env.CI === '1';
