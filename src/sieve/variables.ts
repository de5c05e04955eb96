/**
 * sieve/variables - the variables of one script (RFC 5229), bounded in number and size.
 */
import { encodeOctets } from '../protocol/sieve/octets.ts';
import type { Limits } from './limits.ts';

export class Variables {
  readonly #values = new Map<string, string>();
  limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Names in lower case. */
  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** false: there are too many already. */
  set(name: string, value: string): boolean {
    if (!this.#values.has(name) && this.#values.size >= this.limits.variables) return false;
    this.#values.set(name, this.cut(value));
    return true;
  }

  /** At most as long as a variable may be, never through a character (RFC 5229 §6). */
  cut(value: string): string {
    return cutOctets(value, this.limits.variableSize);
  }
}

export function cutOctets(value: string, most: number): string {
  if (value.length * 3 <= most) return value;
  // No unit is less than an octet: what is beyond is cut in any case.
  const beginning = value.slice(0, most + 1);
  if (beginning.length === value.length && encodeOctets(value).length <= most) return value;
  let size = 0;
  let at = 0;
  for (const character of beginning) {
    size += encodeOctets(character).length;
    if (size > most) break;
    at += character.length;
  }
  return value.slice(0, at);
}
