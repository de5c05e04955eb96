/**
 * protocol/imap/request/metadata - GETMETADATA and SETMETADATA (RFC 5464 §4).
 */
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { mailboxName } from './words.ts';

export type MetadataCommand =
  | {
      readonly name: 'GETMETADATA';
      /** Empty: the server's own. */
      readonly mailbox: string;
      /** As said; compared without case. */
      readonly entries: readonly string[];
      /** Octets: longer values are left out. */
      readonly maxSize?: number;
      readonly depth: MetadataDepth;
    }
  | {
      readonly name: 'SETMETADATA';
      readonly mailbox: string;
      /** Undefined: the entry goes. */
      readonly values: readonly (readonly [entry: string, value: Buffer | undefined])[];
    };

export type MetadataDepth = '0' | '1' | 'infinity';

export function getMetadata(lexer: Lexer): MetadataCommand {
  lexer.space();
  let options = readOptions(lexer);
  const mailbox = mailboxName(lexer);
  lexer.space();
  // RFC 5464 §4.2.1 and §4.2.2 show the options here, and clients followed.
  if (Object.keys(options).length === 0) options = readOptions(lexer);
  return { name: 'GETMETADATA', mailbox, entries: metadataEntries(lexer), depth: '0', ...options };
}

interface Options {
  readonly maxSize?: number;
  readonly depth?: MetadataDepth;
}

/** With the space behind; nothing where no option is next. */
function readOptions(lexer: Lexer): Options {
  if (!/^\((MAXSIZE|DEPTH) /i.test(lexer.text.slice(lexer.at, lexer.at + 9))) return {};
  const options = lexer.list(() => readOption(lexer), { empty: false });
  lexer.space();
  return Object.assign({}, ...options) as Options;
}

function readOption(lexer: Lexer): Options {
  const name = lexer.word('an option of GETMETADATA');
  lexer.space();
  if (name === 'MAXSIZE') return { maxSize: lexer.number('a size') };
  if (name !== 'DEPTH') throw new RequestFault(`GETMETADATA does not know ${name}`);
  const depth = lexer.astring('a depth').toLowerCase();
  if (depth === '0' || depth === '1' || depth === 'infinity') return { depth };
  return lexer.fault('0, 1 or infinity');
}

/** One, or several in parentheses; also in RETURN of LIST (RFC 9590). */
export const metadataEntries = (lexer: Lexer): readonly string[] =>
  lexer.peek() === '(' ? lexer.list(() => entry(lexer), { empty: false }) : [entry(lexer)];

/** RFC 5464 §3.2: levels with slashes before, none empty, no wildcards, ASCII. */
function entry(lexer: Lexer): string {
  const name = lexer.astring('the name of an entry');
  if (!/^\/(private|shared)(\/[^/\x00-\x1f\x7f-\xff*%]+)*$/i.test(name))
    throw new RequestFault('the name of an entry begins with /private/ or /shared/ and has no wildcards');
  return name;
}

export function setMetadata(lexer: Lexer): MetadataCommand {
  lexer.space();
  const mailbox = mailboxName(lexer);
  lexer.space();
  const values = lexer.list(
    (): readonly [string, Buffer | undefined] => {
      const name = entry(lexer);
      lexer.space();
      return [name, lexer.skipWord('NIL') ? undefined : lexer.octets('a value')];
    },
    { empty: false },
  );
  return { name: 'SETMETADATA', mailbox, values };
}
