/**
 * protocol/imap/request/session - commands about the session itself: LOGIN, AUTHENTICATE, ID, ENABLE, COMPRESS, and
 * those of one word.
 */
import { saslOctets } from '../../sasl/answer.ts';
import type { Lexer } from './lexer.ts';

export type SessionCommand =
  | { readonly name: OneWord }
  /** Both as Unicode. */
  | { readonly name: 'LOGIN'; readonly user: string; readonly password: string }
  /** `initial`: the first answer, where it came with the command (RFC 4959). */
  | { readonly name: 'AUTHENTICATE'; readonly mechanism: string; readonly initial?: Buffer }
  /** RFC 2971 §3.1; undefined is NIL. Names as they came. */
  | { readonly name: 'ID'; readonly fields: ReadonlyMap<string, string | undefined> | undefined }
  /** In capitals; those we do not know are to be passed over (RFC 5161 §3.1). */
  | { readonly name: 'ENABLE'; readonly capabilities: readonly string[] }
  | { readonly name: 'COMPRESS'; readonly mechanism: string };

/** Commands without arguments. */
export const oneWord = [
  'CAPABILITY',
  'NOOP',
  'LOGOUT',
  'STARTTLS',
  'NAMESPACE',
  'IDLE',
  'CHECK',
  'CLOSE',
  'UNSELECT',
  'UNAUTHENTICATE',
  'GETJMAPACCESS', // RFC 9698
] as const;
type OneWord = (typeof oneWord)[number];

export function login(lexer: Lexer): SessionCommand {
  lexer.space();
  const user = lexer.words('a user name');
  lexer.space();
  return { name: 'LOGIN', user, password: lexer.words('a password') };
}

export function authenticate(lexer: Lexer): SessionCommand {
  lexer.space();
  const mechanism = lexer.word('a SASL mechanism');
  if (lexer.atEnd()) return { name: 'AUTHENTICATE', mechanism };
  lexer.space();
  const rest = lexer.text.slice(lexer.at).trimEnd();
  const initial = rest === '=' ? Buffer.alloc(0) : saslOctets(rest);
  if (initial === undefined) return lexer.fault('an initial response in base64');
  lexer.at = lexer.text.length;
  return { name: 'AUTHENTICATE', mechanism, initial };
}

export function id(lexer: Lexer): SessionCommand {
  lexer.space();
  if (lexer.skipWord('NIL')) return { name: 'ID', fields: undefined };
  const pairs = lexer.list(
    (): readonly [string, string | undefined] => {
      const name = lexer.string('the name of a field');
      lexer.space();
      return [name, lexer.nstring('the value of a field')];
    },
    { empty: true },
  );
  return { name: 'ID', fields: new Map(pairs) };
}

export function enable(lexer: Lexer): SessionCommand {
  lexer.space();
  const first = lexer.word('a capability');
  const more: string[] = [];
  while (!lexer.atEnd()) {
    lexer.space();
    more.push(lexer.word('a capability'));
  }
  return { name: 'ENABLE', capabilities: [first, ...more] };
}

export function compress(lexer: Lexer): SessionCommand {
  lexer.space();
  return { name: 'COMPRESS', mechanism: lexer.word('a mechanism of compression') };
}
