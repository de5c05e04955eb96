/**
 * protocol/managesieve/command - the words of a client to a command (RFC 5804 §2).
 *
 * Command names are compared without regard to case. Never throws: what is no command is a value that says what is
 * wrong with it, in words for the client.
 */
import { isAscii } from 'node:buffer';
import { parseScriptName } from './script-name.ts';
import type { Word } from './words.ts';

export type Command =
  /** `initial` in base64 as it was sent. */
  | { readonly name: 'AUTHENTICATE'; readonly mechanism: string; readonly initial?: string }
  | { readonly name: 'HAVESPACE'; readonly script: string; readonly size: number }
  | { readonly name: 'PUTSCRIPT'; readonly script: string; readonly content: Buffer }
  | { readonly name: 'CHECKSCRIPT'; readonly content: Buffer }
  /** Without a script: none is to be active. */
  | { readonly name: 'SETACTIVE'; readonly script?: string }
  | { readonly name: 'GETSCRIPT' | 'DELETESCRIPT'; readonly script: string }
  | { readonly name: 'RENAMESCRIPT'; readonly script: string; readonly to: string }
  | { readonly name: 'NOOP'; readonly tag?: Buffer }
  | { readonly name: 'STARTTLS' | 'LOGOUT' | 'CAPABILITY' | 'LISTSCRIPTS' | 'UNAUTHENTICATE' };

export type CommandName = Command['name'];

/** Not obeyed. `command` where the name at least is one of ours. */
export interface Misunderstood {
  readonly name: 'misunderstood';
  readonly command?: CommandName;
  readonly text: string;
}

type Parse = (words: readonly Word[], name: CommandName) => Command | string;

const badName = 'That is no name for a script';

const bare: Parse = (words, name) =>
  words.length === 0 ? ({ name } as Command) : `${name} takes no argument`;

const oneScript: Parse = (words, name) => {
  const [octets] = strings(words, 1) ?? [];
  if (octets === undefined) return `Say ${name} and the name of a script`;
  const script = parseScriptName(octets);
  return script === undefined ? badName : { name: name as 'GETSCRIPT' | 'DELETESCRIPT', script };
};

const grammar: Readonly<Record<CommandName, Parse>> = {
  AUTHENTICATE: (words) => {
    const [mechanism, initial] = strings(words, 1) ?? strings(words, 2) ?? [];
    if (mechanism === undefined) return 'Say AUTHENTICATE, a mechanism, and perhaps the initial response';
    const name = mechanism.toString('latin1').toUpperCase();
    if (!/^[A-Z0-9_-]{1,20}$/.test(name)) return 'That is no name of a mechanism'; // RFC 4422 §3.1
    if (initial === undefined) return { name: 'AUTHENTICATE', mechanism: name };
    const response = base64(initial);
    return response === undefined
      ? 'The initial response is not in base64'
      : { name: 'AUTHENTICATE', mechanism: name, initial: response };
  },
  HAVESPACE: ([name, size, ...more]) => {
    if (name?.kind !== 'string' || size?.kind !== 'number' || more.length > 0)
      return 'Say HAVESPACE, the name of a script and its size';
    const script = parseScriptName(name.octets);
    return script === undefined ? badName : { name: 'HAVESPACE', script, size: size.value };
  },
  PUTSCRIPT: (words) => {
    const [name, content] = strings(words, 2) ?? [];
    if (name === undefined || content === undefined)
      return 'Say PUTSCRIPT, the name of a script and the script';
    const script = parseScriptName(name);
    return script === undefined ? badName : { name: 'PUTSCRIPT', script, content };
  },
  CHECKSCRIPT: (words) => {
    const [content] = strings(words, 1) ?? [];
    return content === undefined ? 'Say CHECKSCRIPT and the script' : { name: 'CHECKSCRIPT', content };
  },
  SETACTIVE: (words, name) => {
    const [octets] = strings(words, 1) ?? [];
    if (octets?.length === 0) return { name: 'SETACTIVE' };
    const parsed = oneScript(words, name);
    return typeof parsed === 'string' ? parsed : ({ ...parsed, name: 'SETACTIVE' } as Command);
  },
  GETSCRIPT: oneScript,
  DELETESCRIPT: oneScript,
  RENAMESCRIPT: (words) => {
    const [from, onto] = strings(words, 2) ?? [];
    if (from === undefined || onto === undefined) return 'Say RENAMESCRIPT, the old name and the new one';
    const script = parseScriptName(from);
    const to = parseScriptName(onto);
    return script === undefined || to === undefined ? badName : { name: 'RENAMESCRIPT', script, to };
  },
  NOOP: (words) => {
    if (words.length === 0) return { name: 'NOOP' };
    const [tag] = strings(words, 1) ?? [];
    return tag === undefined ? 'Say NOOP, with a string or without' : { name: 'NOOP', tag };
  },
  STARTTLS: bare,
  LOGOUT: bare,
  CAPABILITY: bare,
  LISTSCRIPTS: bare,
  UNAUTHENTICATE: bare,
};

export function parseCommand(words: readonly Word[]): Command | Misunderstood {
  const [first, ...rest] = words;
  const keyword = first?.kind === 'atom' ? first.text.toUpperCase() : '';
  if (!isCommandName(keyword)) return { name: 'misunderstood', text: 'Unknown command' };
  const parsed = grammar[keyword](rest, keyword);
  return typeof parsed === 'string' ? { name: 'misunderstood', command: keyword, text: parsed } : parsed;
}

/** What a client says to a challenge (RFC 5804 §2.1): base64, or `*` to give up. undefined: neither. */
export function parseResponse(words: readonly Word[]): string | undefined {
  const [octets] = strings(words, 1) ?? [];
  if (octets === undefined) return undefined;
  return octets.length === 1 && octets[0] === 0x2a ? '*' : base64(octets);
}

const isCommandName = (keyword: string): keyword is CommandName => Object.hasOwn(grammar, keyword);

/** The words, if they are so many and strings all. */
const strings = (words: readonly Word[], count: number): readonly Buffer[] | undefined => {
  const octets = words.flatMap((word) => (word.kind === 'string' ? [word.octets] : []));
  return octets.length === count && words.length === count ? octets : undefined;
};

function base64(octets: Buffer): string | undefined {
  const text = octets.toString('latin1');
  return isAscii(octets) && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? text : undefined;
}
