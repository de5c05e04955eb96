/**
 * protocol/sieve/parse - a script into commands (RFC 5228 §8.2), with all that is wrong in its form.
 *
 * Never throws, always ends. After a mistake it goes on behind the command that holds it, so that one reading finds
 * all of them.
 */
import {
  type ArgumentNode,
  type CommandNode,
  type Place,
  type Problem,
  type StringNode,
  syntaxLimits,
  type TestNode,
} from './syntax.ts';
import { type Token, Tokens } from './tokens.ts';

export interface Parsed {
  readonly commands: readonly CommandNode[];
  readonly problems: readonly Problem[];
}

/** The command at hand cannot be read; its problem has been told. */
const lost = Symbol('lost');

interface Mutable {
  name: string;
  args: ArgumentNode[];
  tests: TestNode[];
  list: boolean;
  at: Place;
  block?: readonly CommandNode[];
}

export function parseScript(text: string): Parsed {
  return new Parser(text).script();
}

class Parser {
  readonly #problems: Problem[] = [];
  readonly #tokens: Tokens;
  #token: Token;

  constructor(text: string) {
    this.#tokens = new Tokens(text, (at, what) => this.#tell(at, what));
    this.#token = this.#tokens.next();
  }

  script(): Parsed {
    const commands: CommandNode[] = [];
    for (;;) {
      commands.push(...this.#commands(0));
      if (this.#token.kind === 'end') break;
      this.#tell(this.#token, "unexpected '}': no block is open here");
      this.#advance();
    }
    return { commands, problems: this.#problems };
  }

  #tell({ line, column }: Place, text: string): void {
    if (this.#problems.length >= syntaxLimits.problems) return;
    this.#problems.push({ severity: 'error', line, column, text });
  }

  #advance(): void {
    this.#token = this.#tokens.next();
  }

  #commands(depth: number): CommandNode[] {
    const commands: CommandNode[] = [];
    while (this.#token.kind !== 'end' && this.#token.kind !== '}') {
      const command = this.#command(depth);
      if (command === lost) this.#recover();
      else commands.push(command);
    }
    return commands;
  }

  #command(depth: number): CommandNode | typeof lost {
    const token = this.#token;
    if (token.kind !== 'word') {
      this.#tell(token, `expected a command, found ${nameOf(token)}`);
      return lost;
    }
    const command = this.#head(token.text, token, depth);
    if (command === lost) return lost;
    const end = this.#token;
    if (end.kind === ';') {
      this.#advance();
      return command;
    }
    if (end.kind !== '{') {
      this.#tell(end, `expected ';' or a block after the ${command.name} command, found ${nameOf(end)}`);
      return lost;
    }
    if (depth >= syntaxLimits.nesting) {
      this.#tell(end, `nested too deep: at most ${syntaxLimits.nesting} blocks are permitted in each other`);
      return lost;
    }
    this.#advance();
    command.block = this.#commands(depth + 1);
    if (this.#token.kind === '}') this.#advance();
    else this.#tell(this.#token, `the script ends, but the block of line ${end.line} is open: expected '}'`);
    return command;
  }

  /** Name, arguments and tests: what commands and tests have in common. */
  #head(name: string, { line, column }: Place, depth: number): Mutable | typeof lost {
    this.#advance();
    const head: Mutable = { name, args: [], tests: [], list: false, at: { line, column } };
    for (;;) {
      const argument = this.#argument();
      if (argument === lost) return lost;
      if (argument === undefined) break;
      if (head.args.length === syntaxLimits.args) {
        this.#tell(argument.at, `too many arguments for ${name}: at most ${syntaxLimits.args} are permitted`);
        return lost;
      }
      head.args.push(argument);
    }
    const token = this.#token;
    if (token.kind !== 'word' && token.kind !== '(') return head;
    if (depth >= syntaxLimits.nesting) {
      this.#tell(token, `nested too deep: at most ${syntaxLimits.nesting} tests are permitted in each other`);
      return lost;
    }
    if (token.kind === 'word') {
      const test = this.#head(token.text, token, depth + 1);
      if (test === lost) return lost;
      head.tests.push(test);
      return head;
    }
    return this.#testList(head, depth);
  }

  #testList(head: Mutable, depth: number): Mutable | typeof lost {
    head.list = true;
    do {
      this.#advance();
      const token = this.#token;
      if (token.kind !== 'word') {
        this.#tell(token, `expected a test, found ${nameOf(token)}`);
        return lost;
      }
      const test = this.#head(token.text, token, depth + 1);
      if (test === lost) return lost;
      head.tests.push(test);
    } while (this.#token.kind === ',');
    if (this.#token.kind !== ')') {
      this.#tell(this.#token, `expected ',' or ')' after a test in a list, found ${nameOf(this.#token)}`);
      return lost;
    }
    this.#advance();
    return head;
  }

  #argument(): ArgumentNode | undefined | typeof lost {
    const token = this.#token;
    const at = { line: token.line, column: token.column };
    if (token.kind === 'string') {
      this.#advance();
      return { kind: 'string', value: token.text, at };
    }
    if (token.kind === 'number') {
      this.#advance();
      return { kind: 'number', value: token.value, at };
    }
    if (token.kind === 'tag') {
      this.#advance();
      return { kind: 'tag', name: token.text, at };
    }
    return token.kind === '[' ? this.#stringList(at) : undefined;
  }

  #stringList(at: Place): ArgumentNode | typeof lost {
    const values: StringNode[] = [];
    do {
      this.#advance();
      const token = this.#token;
      if (token.kind !== 'string') {
        this.#tell(token, `expected a string in the list, found ${nameOf(token)}`);
        return lost;
      }
      values.push({ kind: 'string', value: token.text, at: { line: token.line, column: token.column } });
      this.#advance();
    } while (this.#token.kind === ',');
    if (this.#token.kind !== ']') {
      this.#tell(this.#token, `expected ',' or ']' after a string in a list, found ${nameOf(this.#token)}`);
      return lost;
    }
    this.#advance();
    return { kind: 'strings', values, at };
  }

  /** Behind the end of the command at hand: its semicolon, or its block with all that is nested in it. */
  #recover(): void {
    let open = 0;
    for (;;) {
      const { kind } = this.#token;
      if (kind === 'end' || (kind === '}' && open === 0)) return;
      this.#advance();
      if (kind === '{') open += 1;
      else if (kind === '}') open -= 1;
      if (open === 0 && (kind === ';' || kind === '}')) return;
    }
  }
}

function nameOf(token: Token): string {
  switch (token.kind) {
    case 'word':
      return `'${token.text}'`;
    case 'tag':
      return `':${token.text}'`;
    case 'string':
      return 'a string';
    case 'number':
      return `the number ${token.value}`;
    case 'end':
      return 'the end of the script';
    case 'garbage':
      return 'something unreadable';
    default:
      return `'${token.kind}'`;
  }
}
