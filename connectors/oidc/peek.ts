/**
 * oidc/peek - whose token it says to be, before anybody has checked that: enough to leave others alone with it.
 */
import { decodeJwt } from 'jose';

/** Three parts (RFC 7515 §7.1). */
const form = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** opaque: no JWT, only its issuer can read it. */
export function issuerNamedIn(
  token: string,
): { readonly kind: 'jwt'; readonly issuer: unknown } | { readonly kind: 'opaque' } {
  if (!form.test(token)) return { kind: 'opaque' };
  try {
    return { kind: 'jwt', issuer: decodeJwt(token).iss };
  } catch {
    return { kind: 'opaque' };
  }
}
