/**
 * sieve/match/regex-run - runs a regular expression over a text in time proportional to both (Thompson's simulation).
 *
 * The longest of the leftmost matches wins, as POSIX says; what groups hold is what the preferred way to that match
 * gave them.
 */
import type { CharacterSet, Instruction, Program } from './regex-parse.ts';

/** Places [from, to) of the whole match and of each group; -1 where a group took no part. */
export type Captures = readonly number[];

export interface RegexOptions {
  /** ASCII letters match without regard to case. */
  readonly ignoreCase: boolean;
  /** Only whether it matches is asked. */
  readonly captures: boolean;
  /** Told the work done, in steps of the simulation; may throw. */
  readonly spend: (work: number) => void;
}

interface Threads {
  readonly at: number[];
  readonly captures: (readonly number[])[];
}

const lower = (code: number): number => (code >= 0x41 && code <= 0x5a ? code + 32 : code);
const upper = (code: number): number => (code >= 0x61 && code <= 0x7a ? code - 32 : code);

const isWord = (code: number | undefined): boolean =>
  code !== undefined &&
  ((code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    (code >= 0x61 && code <= 0x7a));

/** `text` in code points. */
export function runRegex(
  program: Program,
  text: readonly number[],
  options: RegexOptions,
): Captures | undefined {
  return new Simulation(program, text, options).run();
}

class Simulation {
  readonly #program: Program;
  readonly #text: readonly number[];
  readonly #options: RegexOptions;
  /** The step at which an instruction was last entered: each is entered once per character. */
  readonly #seen: Int32Array;
  #work = 0;

  constructor(program: Program, text: readonly number[], options: RegexOptions) {
    this.#program = program;
    this.#text = text;
    this.#options = options;
    this.#seen = new Int32Array(program.code.length).fill(-1);
  }

  run(): Captures | undefined {
    let best: Captures | undefined;
    let now: Threads = { at: [], captures: [] };
    const empty: readonly number[] = this.#options.captures
      ? new Array<number>((this.#program.groups + 1) * 2).fill(-1)
      : [-1, -1];
    for (let at = 0; at <= this.#text.length; at += 1) {
      if (best === undefined) this.#enter(now, 0, at, empty);
      else if (now.at.length === 0) break;
      const next: Threads = { at: [], captures: [] };
      for (let thread = 0; thread < now.at.length; thread += 1) {
        const captures = now.captures[thread] as readonly number[];
        const instruction = this.#program.code[now.at[thread] as number] as Instruction;
        if (instruction.op === 'match') {
          if (!this.#options.captures) return captures;
          if (isBetter(captures, best)) best = captures;
        }
      }
      if (at < this.#text.length) this.#step(now, next, at, best);
      now = next;
      this.#options.spend(this.#work);
      this.#work = 0;
    }
    return best;
  }

  #step(now: Threads, next: Threads, at: number, best: Captures | undefined): void {
    const code = this.#text[at] as number;
    for (let thread = 0; thread < now.at.length; thread += 1) {
      const place = now.at[thread] as number;
      const captures = now.captures[thread] as readonly number[];
      // A match further left is settled; threads that began further right are of no use.
      if (best !== undefined && (captures[0] as number) > (best[0] as number)) continue;
      if (this.#takes(this.#program.code[place] as Instruction, code))
        this.#enter(next, place + 1, at + 1, captures);
    }
  }

  #takes(instruction: Instruction, code: number): boolean {
    if (instruction.op === 'any') return true;
    if (instruction.op === 'char') {
      if (instruction.code === code) return true;
      return this.#options.ignoreCase && lower(instruction.code) === lower(code);
    }
    if (instruction.op !== 'set') return false;
    const inside = this.#options.ignoreCase
      ? inRanges(instruction.set, lower(code)) || inRanges(instruction.set, upper(code))
      : inRanges(instruction.set, code);
    return inside !== instruction.set.negated;
  }

  /** Follows all that takes no character, in order of preference. */
  #enter(threads: Threads, start: number, at: number, given: readonly number[]): void {
    const stack: [number, readonly number[]][] = [[start, given]];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const [place, captures] = top;
      this.#work += 1;
      if (this.#seen[place] === at) continue;
      this.#seen[place] = at;
      const instruction = this.#program.code[place] as Instruction;
      switch (instruction.op) {
        case 'jump':
          stack.push([instruction.to, captures]);
          break;
        case 'split':
          stack.push([instruction.second, captures], [instruction.first, captures]);
          break;
        case 'save':
          stack.push([place + 1, this.#saved(captures, instruction.slot, at)]);
          break;
        case 'char':
        case 'any':
        case 'set':
        case 'match':
          threads.at.push(place);
          threads.captures.push(captures);
          break;
        default:
          if (this.#holds(instruction.op, at)) stack.push([place + 1, captures]);
      }
    }
  }

  #saved(captures: readonly number[], slot: number, at: number): readonly number[] {
    if (slot > 1 && !this.#options.captures) return captures;
    this.#work += captures.length >> 3;
    const copy = captures.slice();
    copy[slot] = at;
    return copy;
  }

  #holds(op: string, at: number): boolean {
    if (op === 'begin') return at === 0;
    if (op === 'end') return at === this.#text.length;
    const before = isWord(this.#text[at - 1]);
    const after = isWord(this.#text[at]);
    if (op === 'wordBegin') return !before && after;
    if (op === 'wordEnd') return before && !after;
    return (before !== after) === (op === 'wordEdge');
  }
}

const isBetter = (captures: Captures, best: Captures | undefined): boolean =>
  best === undefined ||
  (captures[0] as number) < (best[0] as number) ||
  (captures[0] === best[0] && (captures[1] as number) > (best[1] as number));

const inRanges = ({ ranges }: CharacterSet, code: number): boolean =>
  ranges.some(([from, to]) => code >= from && code <= to);
