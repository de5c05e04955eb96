/**
 * protocol/pop3/command - one command line of a POP3 client (RFC 1939, 2449, 2595 §4, 5034, 6856).
 *
 * Keywords are compared without regard to case. Never throws: what is no command is a value that says what is wrong
 * with it, in words for the client.
 */
import { isAscii } from 'node:buffer';

export type Command =
  | { readonly name: 'USER'; readonly user: string }
  | { readonly name: 'PASS'; readonly password: string }
  /** `initial` in base64 as it was sent; the empty response is `=` (RFC 5034 §4). Without a mechanism: list them. */
  | { readonly name: 'AUTH'; readonly mechanism?: string; readonly initial?: string }
  | { readonly name: 'RETR' | 'DELE'; readonly message: number }
  | { readonly name: 'LIST' | 'UIDL'; readonly message?: number }
  | { readonly name: 'TOP'; readonly message: number; readonly lines: number }
  | { readonly name: 'LANG'; readonly language?: string }
  | { readonly name: 'CAPA' | 'STLS' | 'UTF8' | 'STAT' | 'NOOP' | 'RSET' | 'QUIT' };

export type CommandName = Command['name'];

/** Not obeyed. `name` where the keyword at least is one of ours. */
export interface Misunderstood {
  readonly name: 'misunderstood';
  readonly command?: CommandName;
  readonly text: string;
}

type Parse = (rest: string | undefined, name: CommandName) => Command | string;

const bare: Parse = (rest, name) =>
  rest === undefined || rest.trim() === '' ? ({ name } as Command) : `${name} takes no argument`;

/** RFC 1939 §3: message numbers are decimal. Longer ones than these no maildrop has. */
const numeric = /^\d{1,15}$/;

const oneMessage: Parse = (rest, name) => {
  const text = rest?.trim() ?? '';
  if (!numeric.test(text)) return `Say ${name} and a message number`;
  return { name: name as 'RETR' | 'DELE', message: Number(text) };
};

const maybeMessage: Parse = (rest, name) => {
  const text = rest?.trim() ?? '';
  if (text === '') return { name: name as 'LIST' | 'UIDL' };
  if (!numeric.test(text)) return `Say ${name}, with a message number or without`;
  return { name: name as 'LIST' | 'UIDL', message: Number(text) };
};

const grammar: Readonly<Record<CommandName, Parse>> = {
  USER: (rest) => {
    const user = rest?.trim() ?? '';
    return user === '' ? 'Say USER and a name' : { name: 'USER', user };
  },
  // RFC 1939 §7: spaces may be part of the password, at its ends too.
  PASS: (rest) =>
    rest === undefined || rest === '' ? 'Say PASS and a password' : { name: 'PASS', password: rest },
  AUTH: (rest) => {
    const [mechanism, initial, more] = words(rest);
    if (mechanism === undefined) return { name: 'AUTH' };
    if (!/^[A-Za-z0-9_-]{1,20}$/.test(mechanism)) return 'That is no name of a mechanism'; // RFC 4422 §3.1
    if (more !== undefined || (initial !== undefined && !/^(?:=|[A-Za-z0-9+/]+={0,2})$/.test(initial)))
      return 'The initial response is not in base64';
    const upper = mechanism.toUpperCase();
    return initial === undefined
      ? { name: 'AUTH', mechanism: upper }
      : { name: 'AUTH', mechanism: upper, initial };
  },
  TOP: (rest) => {
    const [message = '', lines = '', more] = words(rest);
    if (!numeric.test(message) || !/^\d+$/.test(lines) || more !== undefined)
      return 'Say TOP, a message number and a number of lines';
    return {
      name: 'TOP',
      message: Number(message),
      lines: Math.min(Number(lines), Number.MAX_SAFE_INTEGER),
    };
  },
  LANG: (rest) => {
    const language = rest?.trim() ?? '';
    if (language === '') return { name: 'LANG' };
    // RFC 6856 §3: a language tag, or `*` for the server's choice.
    if (!/^(?:\*|[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8})$/.test(language))
      return 'That is no language tag';
    return { name: 'LANG', language };
  },
  LIST: maybeMessage,
  UIDL: maybeMessage,
  RETR: oneMessage,
  DELE: oneMessage,
  CAPA: bare,
  STLS: bare,
  UTF8: bare,
  STAT: bare,
  NOOP: bare,
  RSET: bare,
  QUIT: bare,
};

const words = (rest: string | undefined): readonly string[] =>
  (rest ?? '').split(' ').filter((word) => word !== '');

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `line` comes without its line end. */
export function parseCommand(line: Buffer): Command | Misunderstood {
  const text = decode(line);
  if (text === undefined)
    return { name: 'misunderstood', text: 'That is not UTF-8, or has control characters' };
  const space = text.indexOf(' ');
  const keyword = (space < 0 ? text : text.slice(0, space)).toUpperCase();
  if (!isCommandName(keyword)) return { name: 'misunderstood', text: 'Unknown command' };
  const parsed = grammar[keyword](space < 0 ? undefined : text.slice(space + 1), keyword);
  return typeof parsed === 'string' ? { name: 'misunderstood', command: keyword, text: parsed } : parsed;
}

const isCommandName = (keyword: string): keyword is CommandName => Object.hasOwn(grammar, keyword);

/** ASCII or UTF-8 (RFC 6856 §2.2, names and passwords) without NUL and CR. */
function decode(line: Buffer): string | undefined {
  if (line.includes(0x00) || line.includes(0x0d)) return undefined;
  if (isAscii(line)) return line.toString('latin1');
  try {
    return strictUtf8.decode(line);
  } catch {
    return undefined;
  }
}
