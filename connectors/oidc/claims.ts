/**
 * oidc/claims - what an issuer says of a token's subject, as an answer to "who is it, and may they read mail".
 */
import { type Service, services, type TokenFinding } from '../../src/ports/authenticator.ts';

export interface ClaimOptions {
  /** Accepted audiences: a token for another program is none for us. Empty: any, for issuers that do not say. */
  readonly audiences: readonly string[];
  /** Claims that name the account; the first that is there counts. */
  readonly subjectClaims: readonly string[];
  /** Of RFC 6749 §3.3, one that the token must have. */
  readonly requiredScope?: string;
  /** Scopes that a token must have for a service; a service that is not named needs none of its own. */
  readonly serviceScopes?: Readonly<Partial<Record<Service, string>>>;
  /** Domains whose people this issuer may speak for; empty: all. */
  readonly domains: readonly string[];
}

export type Claims = Readonly<Record<string, unknown>>;

export function findingOf(claims: Claims, options: ClaimOptions): TokenFinding {
  if (!isForUs(claims.aud, options.audiences)) return bad('it is for another audience');
  const claim = options.subjectClaims.find((name) => typeof claims[name] === 'string' && claims[name] !== '');
  if (claim === undefined) return bad(`it has none of the claims ${options.subjectClaims.join(', ')}`);
  if (claim === 'email' && claims.email_verified === false) return bad('its address was not verified');
  const subject = String(claims[claim]);
  const domain = subject.slice(subject.lastIndexOf('@') + 1).toLowerCase();
  if (options.domains.length > 0 && !options.domains.includes(domain))
    return bad(`the issuer does not speak for ${domain}`);
  const { requiredScope } = options;
  if (requiredScope !== undefined && !scopesIn(claims).includes(requiredScope))
    return { is: 'tooLittle', why: `it has no scope ${requiredScope}` };
  const scope = servicesIn(claims, options);
  if (scope.size === 0) return { is: 'tooLittle', why: 'it has no scope of any service' };
  return {
    is: 'good',
    subject,
    scope,
    ...(typeof claims.exp === 'number' && { until: new Date(claims.exp * 1000) }),
  };
}

const bad = (why: string): TokenFinding => ({ is: 'bad', why });

/** RFC 7519 §4.1.3: one or several. */
function isForUs(audience: unknown, accepted: readonly string[]): boolean {
  if (accepted.length === 0) return true;
  const named = Array.isArray(audience) ? audience : [audience];
  return named.some((one) => typeof one === 'string' && accepted.includes(one));
}

function servicesIn(claims: Claims, { serviceScopes = {} }: ClaimOptions): ReadonlySet<Service> {
  const scopes = scopesIn(claims);
  return new Set(
    services.filter((service) => {
      const needed = serviceScopes[service];
      return needed === undefined || scopes.includes(needed);
    }),
  );
}

/** `scope`, with spaces (RFC 8693 §4.2); Entra writes `scp`, others arrays. */
function scopesIn({ scope, scp }: Claims): readonly string[] {
  return [scope, scp].flatMap((value) => {
    if (typeof value === 'string') return value.split(' ');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  });
}
