/**
 * protocol/sasl/prepare - SASLprep (RFC 4013) of names and passwords: two ways to type one password give one text.
 *
 * What stringprep (RFC 3454) takes from the tables of Unicode 3.2 is taken here from the Unicode of Node, and what
 * Unicode 3.2 did not know yet is permitted in stored strings too: a newer letter is no reason to refuse a password.
 */

/** RFC 3454 table B.1, but for U+200B, which is in C.1.2 too: others take it for a space, and passwords must agree. */
const nothing = /[\u00ad\u1806\u200c-\u200d\u2060\ufeff]|[\u034f]|[\u180b-\u180d]|[\ufe00-\ufe0f]/gu;
/** Table C.1.2. */
const spaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;

/** Tables C.2.1, C.2.2, C.3 to C.9: controls, private use, no characters, half pairs, and what turns text around. */
const prohibited =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** Table D.1: letters written from right to left, as Unicode 3.2 has them. */
const rightToLeft =
  '\\u05be\\u05c0\\u05c3\\u05d0-\\u05ea\\u05f0-\\u05f4\\u061b\\u061f\\u0621-\\u063a\\u0640-\\u064a\\u066d-\\u066f' +
  '\\u0671-\\u06d5\\u06dd\\u06e5\\u06e6\\u06fa-\\u06fe\\u0700-\\u070d\\u0710\\u0712-\\u072c\\u0780-\\u07a5\\u07b1' +
  '\\ufb1d\\ufb1f-\\ufb28\\ufb2a-\\ufb36\\ufb38-\\ufb3c\\ufb3e\\ufb40\\ufb41\\ufb43\\ufb44\\ufb46-\\ufbb1' +
  '\\ufbd3-\\ufd3d\\ufd50-\\ufd8f\\ufd92-\\ufdc7\\ufdf0-\\ufdfc\\ufe70-\\ufe74\\ufe76-\\ufefc';
const anyRightToLeft = new RegExp(`[${rightToLeft}]`, 'u');
const wholeRightToLeft = new RegExp(`^[${rightToLeft}](?:.*[${rightToLeft}])?$`, 'su');
const leftToRight = new RegExp(`(?![${rightToLeft}])\\p{L}`, 'u');

/** undefined where a character is prohibited, or directions are mixed (RFC 3454 §6). May give the empty text. */
export function prepare(text: string): string | undefined {
  const mapped = text.replace(spaces, ' ').replace(nothing, '').normalize('NFKC');
  if (prohibited.test(mapped)) return undefined;
  if (!anyRightToLeft.test(mapped)) return mapped;
  return wholeRightToLeft.test(mapped) && !leftToRight.test(mapped) ? mapped : undefined;
}
