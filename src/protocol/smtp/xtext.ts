/**
 * protocol/smtp/xtext - octets hidden in ESMTP parameter values (RFC 3461 §4), and the utf-8-addr-xtext
 * of internationalised ORCPT (RFC 6533 §3).
 *
 * Decoding is strict: what the grammar does not permit is undefined, never guessed.
 */

/** xchar: `!` to `~` without `+` and `=`; hexchar: `+` and two upper-case hex digits. */
const xtext = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;

/** utf-8-addr-xtext: QCHAR, or `\x{HEXPOINT}`; `\`, `+` and `=` are always hidden. */
const utf8Xtext = /^(?:[!-*,-<>-[\]-~]|\\x\{[0-9A-F]{2,6}\})*$/;

const control = /[\x00-\x1f\x7f]/;

/** The text that `value` stands for, as UTF-8; undefined where the grammar is not met or a control character hides in it. */
export function decodeXtext(value: string): string | undefined {
  if (!xtext.test(value)) return undefined;
  if (!value.includes('+')) return value;
  const octets: number[] = [];
  for (let i = 0; i < value.length; i++) {
    if (value[i] === '+') {
      octets.push(Number.parseInt(value.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      octets.push(value.charCodeAt(i));
    }
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(octets));
    return control.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

export function encodeXtext(text: string): string {
  let out = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    const plain = octet >= 0x21 && octet <= 0x7e && octet !== 0x2b && octet !== 0x3d;
    out += plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** `\x{…}` of an ORCPT with the type `utf-8` (RFC 6533 §3); UTF-8 itself may stand there after SMTPUTF8. */
export function decodeUtf8Xtext(value: string): string | undefined {
  const ascii = value.replace(/[\u0080-\u{10ffff}]/gu, '');
  if (!utf8Xtext.test(ascii)) return undefined;
  let valid = true;
  const text = value.replace(/\\x\{([0-9A-F]{2,6})\}/g, (_all, hex: string) => {
    const point = Number.parseInt(hex, 16);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      valid = false;
      return '';
    }
    return String.fromCodePoint(point);
  });
  return valid && !control.test(text) ? text : undefined;
}

/** The 7-bit form (utf-8-addr-xtext), fit for peers without SMTPUTF8. */
export function encodeUtf8Xtext(text: string): string {
  let out = '';
  for (const character of text) {
    const plain = /^[!-*,-<>-[\]-~]$/.test(character);
    out += plain
      ? character
      : `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`;
  }
  return out;
}
