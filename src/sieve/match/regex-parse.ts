/**
 * sieve/match/regex-parse - POSIX extended regular expressions (IEEE 1003.1 §9.4) into a program for regex-run.
 *
 * Of the common additions there are \w \W \s \S \b \B \< \>. Back-references are not regular and are refused.
 */
export interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

export type Instruction =
  | { readonly op: 'char'; readonly code: number }
  | { readonly op: 'any' }
  | { readonly op: 'set'; readonly set: CharacterSet }
  | { readonly op: 'begin' | 'end' | 'wordEdge' | 'notWordEdge' | 'wordBegin' | 'wordEnd' | 'match' }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'jump'; to: number }
  /** `first` is preferred. */
  | { readonly op: 'split'; first: number; second: number };

export interface Program {
  readonly code: readonly Instruction[];
  /** Groups, the whole match not counted. */
  readonly groups: number;
}

export class RegexError extends Error {
  override readonly name = 'RegexError';
}

export const regexLimits = { instructions: 20_000, repeat: 255, nesting: 100, groups: 200 } as const;

type Node =
  | { readonly kind: 'one'; readonly instruction: Instruction }
  | { readonly kind: 'group'; readonly index: number; readonly inside: Node }
  | { readonly kind: 'sequence' | 'choice'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly inside: Node; readonly least: number; readonly most: number };

export function parseRegex(pattern: string): Program {
  const parser = new Parser([...pattern]);
  const tree = parser.whole();
  const code: Instruction[] = [{ op: 'save', slot: 0 }];
  emit(tree, code);
  code.push({ op: 'save', slot: 1 }, { op: 'match' });
  return { code, groups: parser.groups };
}

const classes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  alpha: [
    ['a', 'z'],
    ['A', 'Z'],
  ],
  digit: [['0', '9']],
  alnum: [
    ['a', 'z'],
    ['A', 'Z'],
    ['0', '9'],
  ],
  upper: [['A', 'Z']],
  lower: [['a', 'z']],
  space: [
    ['\t', '\r'],
    [' ', ' '],
  ],
  blank: [
    ['\t', '\t'],
    [' ', ' '],
  ],
  punct: [
    ['!', '/'],
    [':', '@'],
    ['[', '`'],
    ['{', '~'],
  ],
  print: [[' ', '~']],
  graph: [['!', '~']],
  cntrl: [
    ['\0', '\x1f'],
    ['\x7f', '\x7f'],
  ],
  xdigit: [
    ['0', '9'],
    ['a', 'f'],
    ['A', 'F'],
  ],
};

const rangesOf = (name: string): (readonly [number, number])[] =>
  (classes[name] ?? []).map(([from, to]) => [from.charCodeAt(0), to.charCodeAt(0)] as const);

const word: (readonly [number, number])[] = [...rangesOf('alnum'), [0x5f, 0x5f]];

const escapes: Readonly<Record<string, Instruction>> = {
  w: { op: 'set', set: { negated: false, ranges: word } },
  W: { op: 'set', set: { negated: true, ranges: word } },
  s: { op: 'set', set: { negated: false, ranges: rangesOf('space') } },
  S: { op: 'set', set: { negated: true, ranges: rangesOf('space') } },
  b: { op: 'wordEdge' },
  B: { op: 'notWordEdge' },
  '<': { op: 'wordBegin' },
  '>': { op: 'wordEnd' },
};

class Parser {
  readonly #text: readonly string[];
  #at = 0;
  groups = 0;

  constructor(text: readonly string[]) {
    this.#text = text;
  }

  whole(): Node {
    const node = this.#choice(0);
    if (this.#at < this.#text.length) throw new RegexError("')' without '('");
    return node;
  }

  #choice(depth: number): Node {
    if (depth > regexLimits.nesting) throw new RegexError('groups are nested too deep');
    const nodes = [this.#sequence(depth)];
    while (this.#text[this.#at] === '|') {
      this.#at += 1;
      nodes.push(this.#sequence(depth));
    }
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'choice', nodes };
  }

  #sequence(depth: number): Node {
    const nodes: Node[] = [];
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === '|' || (character === ')' && depth > 0)) break;
      if (character === ')') throw new RegexError("')' without '('");
      nodes.push(this.#repeated(this.#atom(character, depth)));
    }
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'sequence', nodes };
  }

  #repeated(atom: Node): Node {
    let node = atom;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === '*') node = this.#times(node, 0, Number.POSITIVE_INFINITY);
      else if (character === '+') node = this.#times(node, 1, Number.POSITIVE_INFINITY);
      else if (character === '?') node = this.#times(node, 0, 1);
      else if (character === '{') node = this.#counted(node);
      else return node;
    }
  }

  #times(inside: Node, least: number, most: number): Node {
    this.#at += 1;
    return { kind: 'repeat', inside, least, most };
  }

  #counted(inside: Node): Node {
    const rest = this.#text.slice(this.#at, this.#at + 12).join('');
    const found = /^\{(\d{1,4})?(,)?(\d{1,4})?\}/.exec(rest);
    if (found === null || (found[1] === undefined && found[2] === undefined)) {
      throw new RegexError(
        "'{' begins a count such as {2}, {2,} or {2,5}; for the character itself write \\{",
      );
    }
    this.#at += found[0].length;
    const least = Number(found[1] ?? 0);
    const most =
      found[2] === undefined ? least : found[3] === undefined ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (most < least) throw new RegexError(`the count ${found[0]} has its bounds the wrong way round`);
    if (Math.max(least, most === Number.POSITIVE_INFINITY ? 0 : most) > regexLimits.repeat) {
      throw new RegexError(`the count ${found[0]} is too large: at most ${regexLimits.repeat} is permitted`);
    }
    return { kind: 'repeat', inside, least, most };
  }

  #atom(character: string, depth: number): Node {
    this.#at += 1;
    const one = (instruction: Instruction): Node => ({ kind: 'one', instruction });
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return one({ op: 'set', set: this.#bracket() });
      case '.':
        return one({ op: 'any' });
      case '^':
        return one({ op: 'begin' });
      case '$':
        return one({ op: 'end' });
      case '\\':
        return one(this.#escape());
      case '*':
      case '+':
      case '?':
      case '{':
        throw new RegexError(`'${character}' has nothing before it to repeat`);
      default:
        return one({ op: 'char', code: character.codePointAt(0) as number });
    }
  }

  #group(depth: number): Node {
    this.groups += 1;
    if (this.groups > regexLimits.groups) throw new RegexError('too many groups');
    const index = this.groups;
    const inside = this.#choice(depth + 1);
    if (this.#text[this.#at] !== ')') throw new RegexError("'(' is never closed");
    this.#at += 1;
    return { kind: 'group', index, inside };
  }

  #escape(): Instruction {
    const character = this.#text[this.#at];
    if (character === undefined) throw new RegexError("'\\' at the end takes nothing");
    this.#at += 1;
    if (/\d/.test(character))
      throw new RegexError(`back-references such as \\${character} are not supported`);
    const special = escapes[character];
    if (special) return special;
    if (/[A-Za-z]/.test(character)) throw new RegexError(`\\${character} is not known`);
    return { op: 'char', code: character.codePointAt(0) as number };
  }

  #bracket(): CharacterSet {
    const ranges: (readonly [number, number])[] = [];
    const negated = this.#text[this.#at] === '^';
    if (negated) this.#at += 1;
    for (let first = true; ; first = false) {
      const character = this.#text[this.#at];
      if (character === undefined) throw new RegexError("'[' is never closed");
      if (character === ']' && !first) break;
      const name = this.#className();
      if (name !== undefined) {
        ranges.push(...rangesOf(name));
        continue;
      }
      const from = this.#bracketCharacter();
      let to = from;
      if (
        this.#text[this.#at] === '-' &&
        this.#text[this.#at + 1] !== ']' &&
        this.#text[this.#at + 1] !== undefined
      ) {
        this.#at += 1;
        to = this.#bracketCharacter();
      }
      if (to < from) throw new RegexError('a range in brackets has its ends the wrong way round');
      ranges.push([from, to]);
    }
    this.#at += 1;
    return { negated, ranges };
  }

  #className(): string | undefined {
    if (this.#text[this.#at] !== '[' || this.#text[this.#at + 1] !== ':') return undefined;
    const name = /^\[:([^\]:]{1,16}):\]/.exec(this.#text.slice(this.#at, this.#at + 20).join(''))?.[1];
    if (name === undefined || !Object.hasOwn(classes, name)) {
      throw new RegexError(`a class in brackets is one of ${Object.keys(classes).join(', ')}`);
    }
    this.#at += name.length + 4;
    return name;
  }

  /** One character, or one in `[.x.]` or `[=x=]`. */
  #bracketCharacter(): number {
    const [open, kind, character, again, close] = this.#text.slice(this.#at, this.#at + 5);
    if (open === '[' && (kind === '.' || kind === '=')) {
      if (character === undefined || again !== kind || close !== ']') {
        throw new RegexError(`'[${kind}' is to hold one character`);
      }
      this.#at += 5;
      return character.codePointAt(0) as number;
    }
    this.#at += 1;
    return (open as string).codePointAt(0) as number;
  }
}

function emit(node: Node, code: Instruction[]): void {
  if (code.length > regexLimits.instructions) throw new RegexError('the expression is too large');
  switch (node.kind) {
    case 'one':
      code.push(node.instruction);
      return;
    case 'group':
      code.push({ op: 'save', slot: node.index * 2 });
      emit(node.inside, code);
      code.push({ op: 'save', slot: node.index * 2 + 1 });
      return;
    case 'sequence':
      for (const inner of node.nodes) emit(inner, code);
      return;
    case 'choice':
      emitChoice(node.nodes, code);
      return;
    case 'repeat':
      emitRepeat(node, code);
  }
}

function emitChoice(nodes: readonly Node[], code: Instruction[]): void {
  const jumps: { op: 'jump'; to: number }[] = [];
  nodes.forEach((node, at) => {
    if (at === nodes.length - 1) {
      emit(node, code);
      return;
    }
    const split = { op: 'split' as const, first: code.length + 1, second: 0 };
    const jump = { op: 'jump' as const, to: 0 };
    code.push(split);
    emit(node, code);
    code.push(jump);
    jumps.push(jump);
    split.second = code.length;
  });
  for (const jump of jumps) jump.to = code.length;
}

function emitRepeat({ inside, least, most }: Node & { kind: 'repeat' }, code: Instruction[]): void {
  for (let times = 0; times < least; times += 1) emit(inside, code);
  if (most === Number.POSITIVE_INFINITY) {
    const split = { op: 'split' as const, first: code.length + 1, second: 0 };
    const at = code.push(split) - 1;
    emit(inside, code);
    code.push({ op: 'jump', to: at });
    split.second = code.length;
    return;
  }
  const splits: { op: 'split'; first: number; second: number }[] = [];
  for (let times = least; times < most; times += 1) {
    const split = { op: 'split' as const, first: code.length + 1, second: 0 };
    code.push(split);
    splits.push(split);
    emit(inside, code);
  }
  for (const split of splits) split.second = code.length;
}
