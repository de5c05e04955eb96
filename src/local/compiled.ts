/**
 * local/compiled - compiled scripts, kept by their text; a script that includes others is compiled anew when one of
 * those has changed.
 */
import { createHash } from 'node:crypto';
import { compile } from '../sieve/compile.ts';
import type { Limits } from '../sieve/limits.ts';
import type { FindScript, Location, ScriptProblem } from '../sieve/scope.ts';
import type { Script } from '../sieve/script.ts';

interface Included {
  readonly location: Location;
  readonly name: string;
  /** undefined: there was none. */
  readonly hash: string | undefined;
}

interface Kept {
  readonly result: Compiled;
  readonly included: readonly Included[];
}

export interface Compiled {
  /** undefined: it has errors. */
  readonly script?: Script | undefined;
  readonly problems: readonly ScriptProblem[];
}

export interface ScriptText {
  /** Whose names `find` knows: texts of two accounts are kept apart where they include something. */
  readonly owner: string;
  readonly name: string;
  readonly content: string;
  readonly find: FindScript;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');

export class CompiledScripts {
  readonly #kept = new Map<string, Kept>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async get(text: ScriptText, limits: Limits): Promise<Compiled> {
    const key = [text.owner, text.name, hashOf(text.content)].join('\0');
    const kept = this.#kept.get(key);
    if (kept !== undefined && (await isFresh(kept, text.find))) {
      // To the end of the line of those that are to go.
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept.result;
    }
    const included: Included[] = [];
    const result = await compile(text.content, {
      name: text.name,
      limits,
      find: async (location, name) => {
        const found = await text.find(location, name);
        included.push({ location, name, hash: found === undefined ? undefined : hashOf(found) });
        return found;
      },
    });
    this.#keep(key, { result, included });
    return result;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#limit && oldest !== undefined) this.#kept.delete(oldest);
  }
}

async function isFresh({ included }: Kept, find: FindScript): Promise<boolean> {
  for (const { location, name, hash } of included) {
    const found = await find(location, name);
    if ((found === undefined ? undefined : hashOf(found)) !== hash) return false;
  }
  return true;
}
