/**
 * protocol/mime/transfer - the content of a part without its transfer encoding (RFC 2045 §6). Never fails; linear.
 *
 * Quoted-printable as readers meet it: white space at a line's end was added on the way, what is no escape stays.
 */
const CR = 0x0d;
const LF = 0x0a;
const equals = 0x3d;
const space = 0x20;
const tab = 0x09;

/** `encoding`: of Content-Transfer-Encoding; what nobody knows is left as it is. */
export function decodeTransfer(octets: Buffer, encoding: string): Buffer {
  const name = encoding.toLowerCase();
  if (name === 'base64') return Buffer.from(octets.toString('latin1'), 'base64');
  return name === 'quoted-printable' ? decodeQuotedPrintable(octets) : octets;
}

export function decodeQuotedPrintable(octets: Buffer): Buffer {
  const out = Buffer.allocUnsafe(octets.length);
  let length = 0;
  for (let at = 0; at < octets.length; ) {
    const octet = octets[at] as number;
    if (octet === equals) {
      const hex = hexAt(octets, at + 1);
      if (hex >= 0) {
        out[length++] = hex;
        at += 3;
        continue;
      }
      const end = endOfLine(octets, at + 1);
      if (end >= 0) {
        at = end;
        continue;
      }
    } else if (octet === space || octet === tab) {
      const blanks = blanksAt(octets, at);
      if (blanks === octets.length || octets[blanks] === LF || octets[blanks] === CR) at = blanks;
      else while (at < blanks) out[length++] = octets[at++] as number;
      continue;
    }
    out[length++] = octet;
    at++;
  }
  return out.subarray(0, length);
}

function blanksAt(octets: Buffer, from: number): number {
  let at = from;
  while (at < octets.length && (octets[at] === space || octets[at] === tab)) at++;
  return at;
}

/** Behind the white space and the line end at `from`; -1 when something else stands there. */
function endOfLine(octets: Buffer, from: number): number {
  let at = from;
  // Every sign may have blanks behind it: only as many as a line has are looked at.
  const stop = Math.min(octets.length, from + 998);
  while (at < stop && (octets[at] === space || octets[at] === tab)) at++;
  if (at === octets.length) return at;
  if (octets[at] === CR && octets[at + 1] === LF) return at + 2;
  return octets[at] === LF ? at + 1 : -1;
}

function hexAt(octets: Buffer, at: number): number {
  const high = digit(octets[at]);
  const low = digit(octets[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function digit(octet: number | undefined): number {
  if (octet === undefined) return -1;
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
