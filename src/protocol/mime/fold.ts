/**
 * protocol/mime/fold - text as it is compared without regard to letter case: what is looked for and what is looked at.
 *
 * i;unicode-casemap (RFC 5051 §2): another case, then compatibility decomposition. Two things make it find more, never
 * less: characters are taken apart first, so that the ligature `ﬁ` is `fi`; and the case mapping is Unicode's full one
 * in capitals, so that `ß` is `SS` and the digraph `ǆ` is `DZ` and caron.
 *
 * fold(fold(x)) is fold(x). Order by octets of UTF-8 is the collation's order.
 */
const ascii = /^[\x00-\x7f]*$/;

export const fold = (text: string): string =>
  ascii.test(text)
    ? text.toUpperCase()
    : // The capital ẞ is its own upper case.
      text.normalize('NFKD').toUpperCase().replaceAll('\u1e9e', 'SS').normalize('NFKD');
