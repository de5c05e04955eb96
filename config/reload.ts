/**
 * config/reload - what a changed file means for a server that runs: what is live at once, what needs a restart.
 *
 * A broken file changes nothing: the answer then has the problems, and the caller goes on with what it has.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Loaded, type LoadOptions, loadConfig } from './load.ts';
import { type Path, type Problem, printPath } from './problem.ts';

export interface Change {
  /** `sites.onprem.tls`; for a file that is named in the configuration, its path. */
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed' | 'file';
  readonly effect: 'live' | 'restart';
}

export type ReloadResult =
  | {
      readonly ok: true;
      readonly next: Loaded;
      /** Sorted by path; empty when nothing changed. */
      readonly changes: readonly Change[];
      /** Some change waits for a restart; the others are live without it. */
      readonly needsRestart: boolean;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * `restart` goes before `live`; `*` is any one key. What is in neither is bound to sockets, processes or the database at
 * start.
 */
const live: readonly string[] = [
  'log.level',
  'listeners.*.*',
  'access.listeners.*.*',
  'directory',
  'local',
  'domains',
  'sites',
  'homes',
  'groups',
  'rules',
  'postmaster',
  'disabled',
];
const restart: readonly string[] = [
  'listeners.*.name',
  'listeners.*.protocol',
  'listeners.*.address',
  'listeners.*.port',
  'listeners.*.tls.mode',
  'access.listeners.*.name',
  'access.listeners.*.protocol',
  'access.listeners.*.address',
  'access.listeners.*.port',
  'access.listeners.*.tls.mode',
  'access.listeners.*.limits.commandLine',
  'access.listeners.*.limits.connectionsPerAccount',
  'access.listeners.*.limits.errors',
];

export function reloadConfig(path: string, previous: Loaded, options: LoadOptions): ReloadResult {
  const result = loadConfig(path, options);
  if (!result.ok) return result;
  const changes = compare(previous, result.loaded);
  return {
    ok: true,
    next: result.loaded,
    changes,
    needsRestart: changes.some(({ effect }) => effect === 'restart'),
  };
}

export function compare(previous: Loaded, next: Loaded): readonly Change[] {
  const changes = [...differences(previous.config, next.config, []), ...fileChanges(previous, next)];
  return changes.toSorted((a, b) => a.path.localeCompare(b.path));
}

function differences(before: unknown, after: unknown, path: Path): readonly Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    return [{ path: printPath(path), kind, effect: effectOf(path) }];
  }
  const isList = Array.isArray(before);
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => differences(before[key], after[key], [...path, isList ? Number(key) : key]));
}

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function effectOf(path: Path): Change['effect'] {
  if (restart.some((pattern) => fits(pattern, path))) return 'restart';
  return live.some((pattern) => fits(pattern, path)) ? 'live' : 'restart';
}

/** The pattern is a prefix of the path. */
function fits(pattern: string, path: Path): boolean {
  const steps = pattern.split('.');
  return (
    steps.length <= path.length && steps.every((step, index) => step === '*' || step === String(path[index]))
  );
}

/** Certificates, keys and lists that are named in both and say something else now: read again at every reload. */
function fileChanges(previous: Loaded, next: Loaded): readonly Change[] {
  return [...next.files]
    .filter(([file, mark]) => (previous.files.get(file) ?? mark) !== mark)
    .map(([file]) => ({ path: file, kind: 'file', effect: 'live' }));
}
