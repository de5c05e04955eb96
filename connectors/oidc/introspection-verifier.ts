/**
 * oidc/introspection-verifier - access tokens that only their issuer can read: it is asked (RFC 7662).
 *
 * What it called good is taken for good for a short while, so that a mail client that opens ten connections costs one
 * question; a token that was revoked lives on for so long.
 */
import { createHash } from 'node:crypto';
import { type TokenFinding, type TokenVerifier, VerifierAway } from '../../src/ports/authenticator.ts';
import { type ClaimOptions, findingOf } from './claims.ts';
import { configurationUrl, Discovery } from './discovery.ts';
import { ask, type HttpSettings, objectIn } from './http.ts';
import { issuerNamedIn } from './peek.ts';

export interface IntrospectionOptions extends ClaimOptions, HttpSettings {
  readonly issuer: string;
  /** Where it is asked; found by discovery when absent. */
  readonly endpoint?: string;
  /** As whom we ask (RFC 6749 §2.3.1, HTTP Basic). */
  readonly clientId: string;
  readonly clientSecret: string;
  /** Milliseconds for which a good token is not asked about again. */
  readonly cacheFor: number;
  /** Questions at once. */
  readonly atOnce: number;
}

const cached = 20_000;

export class IntrospectionVerifier implements TokenVerifier {
  readonly name: string;
  readonly openidConfiguration: string;
  readonly scope?: string;
  readonly #options: IntrospectionOptions;
  readonly #now: () => number;
  readonly #discovery: Discovery;
  /** By a digest: tokens are not kept. */
  readonly #good = new Map<string, { readonly finding: TokenFinding; readonly until: number }>();
  #asking = 0;

  constructor(options: IntrospectionOptions, now: () => number) {
    this.name = options.issuer;
    this.openidConfiguration = configurationUrl(options.issuer);
    if (options.requiredScope !== undefined) this.scope = options.requiredScope;
    this.#options = options;
    this.#now = now;
    this.#discovery = new Discovery(options.issuer, options, now);
  }

  async verify(token: string, signal: AbortSignal): Promise<TokenFinding> {
    const named = issuerNamedIn(token);
    if (named.kind === 'jwt' && named.issuer !== undefined && named.issuer !== this.#options.issuer)
      return { is: 'bad', why: 'it is of another issuer' };
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#good.get(key);
    if (known && known.until > this.#now()) return known.finding;
    this.#good.delete(key);
    if (this.#asking >= this.#options.atOnce)
      throw new VerifierAway(`${this.name} is asked about ${this.#asking} tokens already`);
    this.#asking += 1;
    try {
      const finding = await this.#ask(token, signal);
      if (finding.is === 'good') this.#keep(key, finding, finding.until);
      return finding;
    } finally {
      this.#asking -= 1;
    }
  }

  async #ask(token: string, signal: AbortSignal): Promise<TokenFinding> {
    const { endpoint, clientId, clientSecret, issuer } = this.#options;
    const url = endpoint ? new URL(endpoint) : (await this.#discovery.endpoints()).introspection;
    if (url === undefined)
      throw new VerifierAway(`${this.openidConfiguration} has no introspection_endpoint`);
    const claims = objectIn(
      await ask(
        url,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`,
          },
          body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
        },
        this.#options,
        signal,
      ),
      url,
    );
    if (claims.active !== true) return { is: 'bad', why: 'its issuer says that it is not active' };
    // §2.2 lets an issuer leave these out: it has been asked, and knows them.
    if (claims.iss !== undefined && claims.iss !== issuer)
      return { is: 'bad', why: 'it is of another issuer' };
    if (typeof claims.exp === 'number' && claims.exp * 1000 <= this.#now())
      return { is: 'bad', why: 'it has ended' };
    return findingOf(claims, this.#options);
  }

  #keep(key: string, finding: TokenFinding, end: Date | undefined): void {
    const until = Math.min(this.#now() + this.#options.cacheFor, end?.getTime() ?? Number.POSITIVE_INFINITY);
    if (this.#good.size >= cached) this.#good.delete(this.#good.keys().next().value ?? '');
    this.#good.set(key, { finding, until });
  }
}

/** RFC 6749 §2.3.1: form-encoded before they become HTTP Basic. */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
