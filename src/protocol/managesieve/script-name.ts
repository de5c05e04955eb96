/**
 * protocol/managesieve/script-name - what a script may be called (RFC 5804 §1.6).
 *
 * Net-unicode: without control characters and line separators, in Normalization Form C (RFC 5198 §2), so that a name
 * typed on one system is found from another.
 */
import { isUtf8 } from 'node:buffer';

/** RFC 5804 §1.6 wants at least as many characters; each takes up to four octets. */
const longest = 128;
const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** undefined: no name. The empty name is none. */
export function parseScriptName(octets: Buffer): string | undefined {
  if (octets.length === 0 || octets.length > 4 * longest || !isUtf8(octets)) return undefined;
  const name = octets.toString('utf8').normalize('NFC');
  return forbidden.test(name) || [...name].length > longest ? undefined : name;
}
