/**
 * protocol/sasl/scram-messages - the messages of SCRAM (RFC 5802 §7) and the GS2 header (RFC 5801 §4) as values.
 * Each reader gives undefined where the grammar is not met.
 */

export interface Gs2Header {
  /** n: no channel binding. y: the client could, and thinks that we cannot. p: bound, by `binding`. */
  readonly flag: 'n' | 'y' | 'p';
  readonly binding: string | undefined;
  readonly authorizationId: string | undefined;
  /** The header as it came, its last comma included. */
  readonly text: string;
  readonly rest: string;
}

export function readGs2Header(message: string): Gs2Header | undefined {
  const found = /^(?:([ny])|p=([A-Za-z0-9.-]{1,80})),(?:a=([^,]+))?,/.exec(message);
  if (found === null) return undefined;
  const [text, flag = 'p', binding, name] = found;
  const authorizationId = name === undefined ? undefined : readName(name);
  if (name !== undefined && authorizationId === undefined) return undefined;
  return { flag: flag as 'n' | 'y' | 'p', binding, authorizationId, text, rest: message.slice(text.length) };
}

/** saslname: `,` is written `=2C` and `=` is written `=3D`. */
function readName(text: string): string | undefined {
  if (text === '' || /\0|=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

export const printName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C');

export interface ClientFirst {
  readonly header: Gs2Header;
  readonly name: string;
  readonly nonce: string;
  /** client-first-message-bare. */
  readonly bare: string;
}

/** A mandatory extension (`m=`) before the name is one that we do not know: no message for us. Others are passed over. */
export function readClientFirst(message: string): ClientFirst | undefined {
  const header = readGs2Header(message);
  const [, written, nonce] =
    /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]{1,512})(?:,[A-Za-z]=[^,\0]+)*$/.exec(header?.rest ?? '') ?? [];
  if (header === undefined || written === undefined || nonce === undefined) return undefined;
  const name = readName(written);
  return name === undefined ? undefined : { header, name, nonce, bare: header.rest };
}

export const printServerFirst = (nonce: string, salt: Uint8Array, iterations: number): string =>
  `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;

export interface ClientFinal {
  readonly binding: Uint8Array;
  readonly nonce: string;
  readonly proof: Uint8Array;
  /** client-final-message-without-proof. */
  readonly withoutProof: string;
}

export function readClientFinal(message: string): ClientFinal | undefined {
  const [, withoutProof, bound, nonce, proven] =
    /^(c=([^,]+),r=([\x21-\x2b\x2d-\x7e]{1,1024})(?:,[A-Za-z]=[^,\0]+)*),p=([^,]+)$/.exec(message) ?? [];
  const binding = readBase64(bound ?? '');
  const proof = readBase64(proven ?? '');
  if (withoutProof === undefined || nonce === undefined || binding === undefined || proof === undefined)
    return undefined;
  return { binding, nonce, proof, withoutProof };
}

/** RFC 4648 §4, padded, nothing before, between or behind. */
export function readBase64(text: string): Uint8Array | undefined {
  const octets = Buffer.from(text, 'base64');
  return octets.length > 0 && octets.toString('base64') === text ? octets : undefined;
}
