/**
 * oidc/jwt-verifier - access tokens that are signed (JWT, RFC 7519, RFC 9068), checked here by the issuer's keys.
 *
 * Only signatures by public keys: `none` and shared secrets are no signatures of an issuer. Keys are fetched when a
 * token names one that is not known, twice a minute at most, and anew each hour.
 */
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify, type RemoteJWKSet } from 'jose';
import { type TokenFinding, type TokenVerifier, VerifierAway } from '../../src/ports/authenticator.ts';
import { type ClaimOptions, findingOf } from './claims.ts';
import { configurationUrl, Discovery } from './discovery.ts';
import { ask, type HttpSettings } from './http.ts';
import { issuerNamedIn } from './peek.ts';

export interface JwtVerifierOptions extends ClaimOptions, HttpSettings {
  /** As in the claim `iss`. */
  readonly issuer: string;
  /** Where its keys are; asked by discovery when absent. */
  readonly jwksUri?: string;
  /** Milliseconds by which clocks may differ. */
  readonly clockTolerance: number;
}

const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const keysGoodFor = 3_600_000;
const keysRestFor = 30_000;

/** jose's names for a token that is not good; all others are an issuer in trouble. */
const tokenTrouble: readonly (new (...args: never[]) => Error)[] = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

export class JwtVerifier implements TokenVerifier {
  readonly name: string;
  readonly openidConfiguration: string;
  readonly scope?: string;
  readonly #options: JwtVerifierOptions;
  readonly #now: () => number;
  readonly #discovery: Discovery;
  #keys: { readonly url: string; readonly set: RemoteJWKSet } | undefined;

  constructor(options: JwtVerifierOptions, now: () => number) {
    if (options.audiences.length === 0)
      throw new Error(
        `${options.issuer}: tokens that are checked here need an audience, or those for others would do`,
      );
    this.name = options.issuer;
    this.openidConfiguration = configurationUrl(options.issuer);
    if (options.requiredScope !== undefined) this.scope = options.requiredScope;
    this.#options = options;
    this.#now = now;
    this.#discovery = new Discovery(options.issuer, options, now);
  }

  async verify(token: string, signal: AbortSignal): Promise<TokenFinding> {
    const named = issuerNamedIn(token);
    if (named.kind === 'opaque') return { is: 'bad', why: 'it is no JWT' };
    if (named.issuer !== this.#options.issuer) return { is: 'bad', why: 'it is of another issuer' };
    const keys = await this.#keySet();
    try {
      const { payload } = await jwtVerify<JWTPayload>(token, keys, {
        issuer: this.#options.issuer,
        audience: [...this.#options.audiences],
        algorithms,
        clockTolerance: this.#options.clockTolerance / 1000,
        currentDate: new Date(this.#now()),
        requiredClaims: ['exp'],
      });
      return findingOf(payload, this.#options);
    } catch (error) {
      signal.throwIfAborted();
      if (tokenTrouble.some((kind) => error instanceof kind))
        return { is: 'bad', why: (error as Error).message };
      if (error instanceof VerifierAway) throw error;
      throw new VerifierAway(`the keys of ${this.name}: ${(error as Error).message}`, { cause: error });
    }
  }

  async #keySet(): Promise<RemoteJWKSet> {
    const url = this.#options.jwksUri ?? (await this.#discovery.endpoints()).jwksUri?.href;
    if (url === undefined) throw new VerifierAway(`${this.openidConfiguration} has no jwks_uri over TLS`);
    if (this.#keys?.url !== url) this.#keys = { url, set: this.#fetchedFrom(url) };
    return this.#keys.set;
  }

  #fetchedFrom(url: string): RemoteJWKSet {
    return createRemoteJWKSet(new URL(url), {
      timeoutDuration: this.#options.timeout,
      cooldownDuration: keysRestFor,
      cacheMaxAge: keysGoodFor,
      [customFetch]: async (asked, { signal }) => {
        const { status, body } = await ask(new URL(asked), { method: 'GET' }, this.#options, signal);
        return new Response(body, { status });
      },
    });
  }
}
