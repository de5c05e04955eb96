/**
 * protocol/imap/request/charset - the words of a search as Unicode, whatever the client writes them in (RFC 9051 §6.4.4).
 */
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';

/** Octets to Unicode. */
export type Decoder = (octets: string) => string;

/** Those that the platform decodes, but not as a client would mean it, or not octet by octet. */
const unfit = new Set(['utf-16le', 'utf-16be', 'replacement', 'x-user-defined']);

/** Takes the name of a charset. UTF-8 reads US-ASCII, and what clients send without saying so. */
export function charset(lexer: Lexer): Decoder {
  const name = lexer.astring('a charset').toLowerCase();
  if (name === 'us-ascii' || name === 'utf-8') return utf8(lexer);
  const decoder = decoderOf(name);
  if (decoder === undefined)
    throw new RequestFault('this charset is not known here', 'NO', {
      code: 'BADCHARSET',
      charsets: ['US-ASCII', 'UTF-8'],
    });
  return (octets) => {
    try {
      return decoder.decode(Buffer.from(octets, 'latin1'));
    } catch {
      return lexer.fault(`a text in ${name}`);
    }
  };
}

export const utf8 =
  (lexer: Lexer): Decoder =>
  (octets) =>
    lexer.unicode(octets, 'a text');

function decoderOf(name: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    const decoder = new TextDecoder(name, { fatal: true });
    return unfit.has(decoder.encoding) ? undefined : decoder;
  } catch {
    return undefined; // RangeError: no such charset
  }
}
