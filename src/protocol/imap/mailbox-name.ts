/**
 * protocol/imap/mailbox-name - names of mailboxes in modified UTF-7 (RFC 3501 §5.1.3), as clients say them that have
 * not asked for UTF-8.
 *
 * Strict: a name has one encoding. What a decoder would take but an encoder would not make (superfluous shifts,
 * encoded ASCII, bits left over, half a surrogate pair) is no name, so that no mailbox has two.
 */

const modified = /[^\x20-\x7e]+|&/g;

/** The result is ASCII. */
export const encodeMailboxName = (name: string): string =>
  name.replace(modified, (run) => {
    if (run === '&') return '&-';
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/=+$/, '').replaceAll('/', ',')}-`;
  });

const shifted = /&([A-Za-z0-9+,]*)-/g;

/** Undefined: this is not the encoding of any name. */
export function decodeMailboxName(encoded: string): string | undefined {
  const name = encoded.replace(shifted, (_, base64: string) => {
    if (base64 === '') return '&';
    const octets = Buffer.from(base64.replaceAll(',', '/'), 'base64');
    return octets.length % 2 === 0 ? octets.swap16().toString('utf16le') : '';
  });
  return name.isWellFormed() && encodeMailboxName(name) === encoded ? name : undefined;
}

/** INBOX is spelt in any case (RFC 9051 §5.1) and meant in capitals. */
export const canonicalMailboxName = (name: string): string => (/^inbox$/i.test(name) ? 'INBOX' : name);
