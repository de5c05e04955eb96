/**
 * protocol/smtp/parameters - `KEY=value` of MAIL and RCPT (RFC 5321 §4.1.2): each once, each known.
 */
import { MailError } from '../../mail/condition.ts';

/** Upper-case keyword to value; undefined where there was no `=`. */
export type Parameters = ReadonlyMap<string, string | undefined>;

const keyword = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
/** esmtp-value: no control characters, no space, no `=`; UTF-8 by RFC 6531 §3.3. Peers send `=` in AUTH and ENVID: forgiven. */
const value = /^[^\x00-\x20\x7f]+$/;

/** Throws MailError: 555 5.5.4 for a keyword that is not among `known`, 501 5.5.4 for bad grammar or a repeated one. */
export function parseParameters(words: readonly string[], known: ReadonlySet<string>): Parameters {
  const found = new Map<string, string | undefined>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    const given = equals < 0 ? undefined : word.slice(equals + 1);
    if (!keyword.test(key) || (given !== undefined && !value.test(given)))
      throw badValue('Bad parameter syntax');
    if (!known.has(key)) {
      throw new MailError('never', 'badParameter', { text: `Parameter ${key.slice(0, 40)} not supported` });
    }
    if (found.has(key)) throw badValue(`Parameter ${key} given twice`);
    found.set(key, given);
  }
  return found;
}

/** 501 5.5.4 (RFC 5321 §4.2.3, RFC 3463 §3.6): a known parameter with a value that cannot be. */
export const badValue = (text: string): MailError =>
  new MailError('never', 'badParameter', { reply: { code: 501, enhanced: '5.5.4', lines: [text] } });

/** Throws where the keyword has a value. */
export function flag(parameters: Parameters, key: string): boolean {
  if (!parameters.has(key)) return false;
  if (parameters.get(key) !== undefined) throw badValue(`Parameter ${key} takes no value`);
  return true;
}

/** Throws where the keyword has no value. */
export function textOf(parameters: Parameters, key: string): string | undefined {
  if (!parameters.has(key)) return undefined;
  const found = parameters.get(key);
  if (found === undefined) throw badValue(`Parameter ${key} needs a value`);
  return found;
}
