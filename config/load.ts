/**
 * config/load - one YAML file becomes a Config, or all of its problems at once, each with its place.
 *
 *   text -> document -> references -> prepare (paths made absolute, files noted) -> schema -> cross-checks
 *
 * Nothing is thrown for what an operator can write. A file that is not valid YAML is not looked at further, since
 * its indentation may say anything; otherwise every step tells what it finds.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { crossCheck } from './cross-check.ts';
import { readDocument, type SourceDocument } from './document.ts';
import { type FileMarks, inspectFiles, type NamedFile, type NamedPair } from './files.ts';
import { findingsOf } from './issues.ts';
import { checkMeaning, type MeaningProblem } from './meaning.ts';
import {
  ConfigError,
  type Finding,
  type Path,
  type Problem,
  parsePath,
  printPath,
  sentence,
} from './problem.ts';
import { describeFault, type Resolved, resolveReferences } from './references.ts';
import { type Config, configSchema } from './schema.ts';
import { isSecretAt, mapValues, type Visited } from './shape.ts';

export interface Loaded {
  readonly config: Config;
  /** As written in the file, references replaced, paths absolute: for `config show`. Holds secrets. */
  readonly source: unknown;
  readonly isSecret: (path: Path) => boolean;
  /** Marks of the files that are named in it: for `config/reload`. */
  readonly files: FileMarks;
  readonly warnings: readonly Problem[];
}

export type LoadResult =
  | { readonly ok: true; readonly loaded: Loaded }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface LoadOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  /** What other rooms have to say about a configuration that is well formed; handed in by main.ts. */
  readonly checks?: readonly ConfigCheck[];
}

/** Finds what cannot be meant: rules that are never reached, say. */
export type ConfigCheck = (config: Config) => readonly MeaningProblem[];

/** The largest file we read; a configuration of this size is a mistake. */
const sizeLimit = 4 * 1024 * 1024;

export function loadConfig(path: string, options: LoadOptions): LoadResult {
  let text: string;
  try {
    const facts = statSync(path);
    if (facts.size > sizeLimit) return unreadable(path, 'expected a configuration file of at most 4 MB');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return unreadable(path, `expected a configuration file here: ${describeFault(error)}`);
  }
  return parseConfig(text, { ...options, file: path, folder: dirname(resolve(path)) });
}

/** The same for those who cannot go on without: throws ConfigError. */
export function readConfig(path: string, options: LoadOptions): Loaded {
  const result = loadConfig(path, options);
  if (!result.ok) throw new ConfigError(result.problems);
  return result.loaded;
}

const unreadable = (file: string, message: string): LoadResult => ({
  ok: false,
  problems: [{ file, line: 1, column: 1, path: '', severity: 'error', message }],
});

export interface ParseOptions extends LoadOptions {
  /** Name for messages. */
  readonly file: string;
  /** What relative paths are relative to. */
  readonly folder: string;
}

export function parseConfig(text: string, options: ParseOptions): LoadResult {
  const document = readDocument(text);
  if (document.findings.length > 0) {
    return { ok: false, problems: place(document.findings, document, [], options.file) };
  }
  const resolved = resolveReferences(document.value ?? {}, options);
  const prepared = prepare(resolved, options.folder);
  const isSecret = (path: Path): boolean =>
    resolved.hiddenPaths.has(printPath(path)) || isSecretAt(configSchema, path, prepared.value);
  const parsed = configSchema.safeParse(prepared.value);
  const issues = parsed.error?.issues ?? [];
  const inspected = inspectFiles(prepared.files, prepared.pairs, options.now);
  const findings = [
    ...resolved.findings,
    ...findingsOf(issues, { root: configSchema, value: prepared.value, isSecret }).filter(
      ({ path }) => !toldBefore(resolved.findings, path),
    ),
    ...crossCheck(prepared.value),
    ...inspected.findings,
  ];
  if (parsed.success && !findings.some(({ severity }) => severity === 'error')) {
    const checks = [checkMeaning, ...(options.checks ?? [])];
    findings.push(...checks.flatMap((check) => check(parsed.data).map(toFinding)));
  }
  const hidden = [...resolved.hiddenValues, ...prepared.secrets];
  const problems = place(findings, document, hidden, options.file);
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  if (!parsed.success || warnings.length < problems.length) return { ok: false, problems };
  return {
    ok: true,
    loaded: { config: parsed.data, source: prepared.value, isSecret, files: inspected.marks, warnings },
  };
}

const toFinding = ({ path, text, severity }: MeaningProblem): Finding => ({
  path: parsePath(path),
  at: 'key',
  severity,
  text,
});

/** A reference that could not be resolved is one problem, not also a badly formed value. */
const toldBefore = (findings: readonly Finding[], path: Path): boolean =>
  findings.some((finding) => finding.severity === 'error' && printPath(finding.path) === printPath(path));

interface Prepared {
  readonly value: unknown;
  readonly files: readonly NamedFile[];
  readonly pairs: readonly NamedPair[];
  /** Values that the schema marks as secret. */
  readonly secrets: readonly string[];
}

/**
 * What the schema cannot do for itself, since it does not know the folder: absolute paths, notes of files. A key
 * without a value (`queue:`) counts as left out where it may be, and a reference may give a number or truth value.
 */
function prepare(resolved: Resolved, folder: string): Prepared {
  const files: NamedFile[] = [];
  const pairs: NamedPair[] = [];
  const secrets: string[] = [];

  const visit = ({ path, value, shapes }: Visited): unknown => {
    if (value === null && shapes.some((shape) => shape.optional && !shape.nullable)) return undefined;
    if (shapes.some(({ meta }) => meta.certificatePair === true)) notePair(path, value);
    if (typeof value !== 'string') return value;
    if (shapes.some(({ meta }) => meta.secret === true)) secrets.push(value);
    if (value !== '' && shapes.some(({ meta }) => meta.path === true)) {
      const file = resolve(folder, value);
      if (shapes.some(({ meta }) => meta.readable === true)) files.push({ path, file });
      return file;
    }
    return resolved.hiddenPaths.has(printPath(path)) ? unquoted(value, shapes) : value;
  };

  const notePair = (path: Path, value: unknown): void => {
    const { cert, key } = (value ?? {}) as { readonly cert?: unknown; readonly key?: unknown };
    if (typeof cert !== 'string' || typeof key !== 'string') return;
    pairs.push({ path, cert: resolve(folder, cert), key: resolve(folder, key) });
  };

  return { value: mapValues(configSchema, resolved.value, visit), files, pairs, secrets };
}

/** `port: ${env:PORT}` is text until here; where the schema wants a number or a truth value, it becomes one. */
function unquoted(value: string, shapes: Visited['shapes']): unknown {
  const types = shapes.map(({ schema }) => schema._zod.def.type);
  if (types.includes('string')) return value;
  if (types.includes('number') && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (types.includes('boolean') && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

/** Shorter values are too common to be cut out of messages, and are masked by their path anyway. */
const leastHidden = 4;
/** Nobody reads more at once. */
const mostProblems = 500;

function place(
  findings: readonly Finding[],
  document: SourceDocument,
  hidden: readonly string[],
  file: string,
): readonly Problem[] {
  const secrets = hidden.filter((value) => value.length >= leastHidden);
  const scrub = (text: string): string =>
    secrets.reduce((said, value) => said.replaceAll(value, '***'), text);
  const problems = findings.map((finding): Problem => {
    const { severity, expected, found, suggestion } = finding;
    return {
      file,
      ...document.place(finding.path, finding.at),
      path: printPath(finding.path),
      severity,
      message: scrub(sentence(finding)),
      ...(expected === undefined ? {} : { expected: scrub(expected) }),
      ...(found === undefined ? {} : { found: scrub(found) }),
      ...(suggestion === undefined ? {} : { suggestion: scrub(suggestion) }),
    };
  });
  const sorted = problems.toSorted(
    (a, b) => a.line - b.line || a.column - b.column || a.path.localeCompare(b.path),
  );
  const rest = sorted.length - mostProblems;
  const last = sorted[mostProblems];
  if (last === undefined) return sorted;
  const { line, column } = last;
  const more: Problem = {
    file,
    line,
    column,
    path: '',
    severity: 'error',
    message: `and ${rest} more problems`,
  };
  return [...sorted.slice(0, mostProblems), more];
}
