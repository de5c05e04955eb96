/**
 * config/problem - what is wrong with a configuration file, for people and for programs.
 *
 * A finding is made by whoever looks (YAML, references, schema, cross-checks) and knows the key only; the loader gives
 * it a place in the file and so makes it a problem.
 */

export type Path = readonly (string | number)[];

export interface Finding {
  readonly path: Path;
  /** Where the finger points: at the key, at the value, or at an offset of the text where there is no key yet. */
  readonly at: 'key' | 'value' | { readonly offset: number };
  readonly severity: 'error' | 'warning';
  /** The whole sentence, where `expected` and `found` do not make one. */
  readonly text?: string;
  readonly expected?: string;
  /** Fit to be printed: masked where it is secret. */
  readonly found?: string;
  /** The nearest valid key or value. */
  readonly suggestion?: string;
}

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `sites.onprem.nextHops[0].tls`; empty for the file as a whole. */
  readonly path: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
  readonly suggestion?: string;
}

/** All problems of one file, thrown. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(printProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `isthmus.yaml:12:5: sites.onprem.tls: expected one of …, found "yes". Did you mean "…"?` */
export function printProblem(problem: Problem): string {
  const { file, line, column, path, severity, message } = problem;
  const parts = [`${file}:${line}:${column}`, severity === 'warning' ? 'warning' : '', path, message];
  return parts.filter((part) => part !== '').join(': ');
}

/** `sites.onprem.nextHops[0].tls`; a key that is no plain word is quoted: `domains["example.org"]`. */
export function printPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(step)) return `[${shorten(JSON.stringify(step))}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** The way back: for checks of other rooms, which name keys as text. */
export function parsePath(text: string): Path {
  const steps = text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...steps].map(([, quoted, index, plain]) =>
    index === undefined ? (plain ?? (JSON.parse(`"${quoted}"`) as string)) : Number(index),
  );
}

/** A value as an error shows it. Containers are named by kind only: their insides may be secret. */
export function printFound(value: unknown, secret: boolean): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map of keys';
  if (secret) return 'a secret (not shown)';
  return typeof value === 'string' ? shorten(JSON.stringify(value)) : String(value);
}

/** A permitted value as lists of them show it: words as they are, anything else in quotes. */
export const printChoice = (value: unknown): string =>
  /^[\w.-]+$/.test(String(value)) ? String(value) : JSON.stringify(String(value));

export function sentence(finding: Finding): string {
  const { text, expected, found, suggestion } = finding;
  const said =
    text ?? (found === undefined ? `expected ${expected}` : `expected ${expected}, found ${found}`);
  if (suggestion === undefined) return said;
  return `${said}. Did you mean ${suggestion}?`;
}

const shorten = (text: string): string => (text.length <= 80 ? text : `${text.slice(0, 77)}…"`);
