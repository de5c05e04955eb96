/**
 * ldap/dn - distinguished names in one spelling, so that a member of a group finds its entry (RFC 4514).
 *
 * Servers give back a member as somebody typed it: other case, spaces after
 * commas, `\2C` for `\,`. Attribute types and values are compared without regard
 * to case, which is right for every attribute that directories name people by.
 */

/** `CN=Lovelace\2c Ada, OU=x` becomes `cn=lovelace\2cada`-like text; equal names give equal texts. What is no DN is only lowered. */
export function normalizeDn(dn: string): string {
  const parts: string[] = [];
  for (const rdn of split(dn, ',')) {
    const pairs = split(rdn, '+').map(normalizePair).sort();
    parts.push(pairs.join('+'));
  }
  return parts.join(',');
}

function normalizePair(pair: string): string {
  // RFC 4512 §1.4: a short name or numbers with dots.
  const [, type = '', value = ''] = /^\s*([A-Za-z0-9.-]+)\s*=(.*)$/s.exec(pair) ?? [];
  if (type === '') return withEscapes(withoutEscapes(trimValue(pair))).replaceAll('=', '\\=');
  return `${type.toLowerCase()}=${withEscapes(withoutEscapes(trimValue(value)))}`;
}

/** One spelling of a value: one case, one space at a time, only what must be escaped escaped. */
const withEscapes = (value: string): string =>
  value
    .normalize('NFC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^ | $|["\\,+]/g, '\\$&');

/** Spaces around a value are not of it, an escaped one at its end is. */
const trimValue = (value: string): string => value.replace(/^\s+/, '').replace(/(?<!\\)\s+$/, '');

/** At unescaped `separator`s, outside quotes. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

/** RFC 4514 §2.4: `\2C` pairs are octets of UTF-8, `\,` is the character. RFC 2253's quotes are taken off. */
function withoutEscapes(value: string): string {
  return value
    .replace(/^"(.*)"$/s, '$1')
    .replace(
      /((?:\\[0-9a-fA-F]{2})+)|\\(.)/gs,
      (_all, octets: string | undefined, char: string | undefined) =>
        octets === undefined
          ? (char ?? '')
          : Buffer.from(octets.replaceAll('\\', ''), 'hex').toString('utf8'),
    );
}
