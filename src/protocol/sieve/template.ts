/**
 * protocol/sieve/template - variable references in strings (RFC 5229 §3).
 */

export type TemplatePart =
  | { readonly literal: string }
  /** Lower case; with namespaces, as in `global.company`. */
  | { readonly variable: string }
  | { readonly match: number };

const reference = /\$\{(?:(\d+)|([A-Za-z_][A-Za-z0-9_]*(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|\d+))*))\}/g;

/** What is no reference stays as it is: `${` alone means itself. */
export function parseTemplate(text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let from = 0;
  for (const found of text.matchAll(reference)) {
    if (found.index > from) parts.push({ literal: text.slice(from, found.index) });
    from = found.index + found[0].length;
    const [, digits, name] = found;
    if (digits !== undefined)
      parts.push({ match: digits.length > 9 ? Number.MAX_SAFE_INTEGER : Number(digits) });
    else parts.push({ variable: (name ?? '').toLowerCase() });
  }
  if (from < text.length || parts.length === 0) parts.push({ literal: text.slice(from) });
  return parts;
}

/** `name` alone, or `namespace.name`. */
export const isVariableName = (text: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(text);
