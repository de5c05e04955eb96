/**
 * config/references - `${env:NAME}` and `${file:path}` in text values, replaced before the schema looks.
 *
 * What was put in is remembered by path and by value, so that neither an error nor `config show` ever prints it.
 * `$${` is a literal `${`. A file's path is relative to the folder of the configuration file; one newline at the end
 * of its content is dropped, since editors add it.
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Finding, type Path, printPath } from './problem.ts';

export interface ReferenceSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of the configuration file. */
  readonly folder: string;
}

export interface Resolved {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Printed paths of the values into which something was put. */
  readonly hiddenPaths: ReadonlySet<string>;
  /** What was put in. */
  readonly hiddenValues: readonly string[];
}

const fileLimit = 65_536;
const pattern = /\$\$\{|\$\{(?:(env|file):([^}]+)\}|[^}]{0,40}\}?)/g;
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the operator writes
const explain = 'expected ${env:NAME} or ${file:path}; write $${ where ${ itself is meant';

class Missing extends Error {}

export function resolveReferences(value: unknown, source: ReferenceSource): Resolved {
  const findings: Finding[] = [];
  const hiddenPaths = new Set<string>();
  const hiddenValues: string[] = [];

  const go = (inner: unknown, path: Path): unknown => {
    if (typeof inner === 'string') return inner.includes('${') ? replace(inner, path) : inner;
    if (Array.isArray(inner)) return inner.map((item, index) => go(item, [...path, index]));
    if (typeof inner !== 'object' || inner === null) return inner;
    const copy: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(inner)) copy[key] = go(item, [...path, key]);
    return copy;
  };

  const replace = (text: string, path: Path): string =>
    text.replace(pattern, (whole, kind?: string, name?: string) => {
      if (whole === '$${') return '${';
      hiddenPaths.add(printPath(path));
      try {
        if (kind === undefined || name === undefined) throw new Missing(explain);
        const found =
          kind === 'env' ? readVariable(name, source) : readSecretFile(name, source, path, findings);
        hiddenValues.push(found);
        return found;
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        findings.push({ path, at: 'value', severity: 'error', text: error.message });
        return whole;
      }
    });

  return { value: go(value, []), findings, hiddenPaths, hiddenValues };
}

function readVariable(name: string, { environment }: ReferenceSource): string {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (value === undefined) throw new Missing(`expected the environment variable ${name} to be set`);
  return value;
}

function readSecretFile(name: string, { folder }: ReferenceSource, path: Path, findings: Finding[]): string {
  const file = resolve(folder, name);
  let text: string;
  try {
    const facts = statSync(file);
    if (!facts.isFile()) throw new Missing(`expected a file at ${file}, found something else`);
    if (facts.size > fileLimit) throw new Missing(`expected a file of at most 64 KB at ${file}`);
    if ((facts.mode & 0o004) !== 0) {
      const warning = `${file} can be read by everyone on this machine; chmod 640 or 600 it`;
      findings.push({ path, at: 'value', severity: 'warning', text: warning });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Missing) throw error;
    throw new Missing(`expected to read ${file}: ${describeFault(error)}`);
  }
  return text.replace(/\r?\n$/, '');
}

/** The system's reasons in words that name no more than they must. */
export function describeFault(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of the path is no folder',
    ELOOP: 'too many symbolic links',
    ENAMETOOLONG: 'the name is too long',
    ERR_INVALID_ARG_VALUE: 'not a valid path',
  };
  return words[code] ?? `cannot be read (${code === '' ? 'unknown fault' : code})`;
}
