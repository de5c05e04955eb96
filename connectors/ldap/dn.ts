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
  const at = pair.indexOf('=');
  if (at < 0) return withoutEscapes(pair.trim()).toLowerCase();
  const type = pair.slice(0, at).trim().toLowerCase();
  const value = withoutEscapes(trimValue(pair.slice(at + 1)))
    .normalize('NFC')
    .toLowerCase()
    .replace(/\s+/g, ' ');
  return `${type}=${value.replace(/[\\,+]/g, '\\$&')}`;
}

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
  if (!/[\\"]/.test(value)) return value;
  return value
    .replace(/^"(.*)"$/s, '$1')
    .replace(/(?:\\[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'))
    .replace(/\\(.)/gs, '$1');
}
