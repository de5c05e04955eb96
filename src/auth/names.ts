/**
 * auth/names - what people type for a name, in the one spelling that accounts are found by; and `ada*admin`: the
 * administrator `admin`, who wants to open ada's mail.
 */
import { addressKey, parseAddress } from '../mail/address.ts';
import { prepare } from '../protocol/sasl/prepare.ts';

const longest = 320;

/** undefined for what can be nobody's name. */
export function canonicalName(typed: string, defaultDomain: string | undefined): string | undefined {
  const name = prepare(typed)?.trim().toLowerCase();
  if (name === undefined || name === '' || name.length > longest) return undefined;
  const address = parseAddress(name.includes('@') || !defaultDomain ? name : `${name}@${defaultDomain}`);
  return address ? addressKey(address) : name;
}

export interface Claim {
  /** Whose password or proof it is, as typed. */
  readonly who: string;
  /** Whose mail they want, as typed; undefined: their own. */
  readonly wanted: string | undefined;
}

/** The last separator counts: an account may have one in its name, administrators have none. */
export function splitClaim(typed: string, separator: string | undefined): Claim {
  const at = separator === undefined ? -1 : typed.lastIndexOf(separator);
  if (at < 1 || at === typed.length - 1) return { who: typed, wanted: undefined };
  return { who: typed.slice(at + 1), wanted: typed.slice(0, at) };
}

/** For storing and for checking alike. A password that SASLprep refuses is taken as it is: other servers do so too. */
export const preparedPassword = (password: string): string => prepare(password) || password;
