/**
 * oidc/discovery - where an issuer keeps its keys and answers questions (OpenID Connect Discovery 1.0 §4).
 *
 * Asked once an hour. While the issuer does not answer, what it said before holds.
 */
import { VerifierAway } from '../../src/ports/authenticator.ts';
import { ask, type HttpSettings, isSecure, objectIn } from './http.ts';

export interface Endpoints {
  readonly jwksUri: URL | undefined;
  readonly introspection: URL | undefined;
}

const goodFor = 3_600_000;
/** After it did not answer, it is not asked again for so long. */
const restFor = 10_000;

export const configurationUrl = (issuer: string): string =>
  `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

export class Discovery {
  readonly #issuer: string;
  readonly #http: HttpSettings;
  readonly #now: () => number;
  #known: { readonly at: number; readonly endpoints: Endpoints } | undefined;
  #failed: { readonly at: number; readonly error: unknown } | undefined;
  #asking: Promise<Endpoints> | undefined;

  constructor(issuer: string, http: HttpSettings, now: () => number) {
    this.#issuer = issuer;
    this.#http = http;
    this.#now = now;
  }

  async endpoints(): Promise<Endpoints> {
    const now = this.#now();
    if (this.#known && now - this.#known.at < goodFor) return this.#known.endpoints;
    if (this.#failed && now - this.#failed.at < restFor) {
      if (this.#known) return this.#known.endpoints;
      throw this.#failed.error;
    }
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** For all who wait: it does not end with any one of their connections. */
  async #ask(): Promise<Endpoints> {
    try {
      const url = new URL(configurationUrl(this.#issuer));
      const document = objectIn(
        await ask(url, { method: 'GET' }, this.#http, new AbortController().signal),
        url,
      );
      // §4.3: otherwise another issuer's document could be put in the place of this one's.
      if (document.issuer !== this.#issuer)
        throw new VerifierAway(`${url}: it is the document of the issuer ${JSON.stringify(document.issuer)}`);
      const endpoints = {
        jwksUri: urlIn(document.jwks_uri),
        introspection: urlIn(document.introspection_endpoint),
      };
      this.#known = { at: this.#now(), endpoints };
      this.#failed = undefined;
      return endpoints;
    } catch (error) {
      this.#failed = { at: this.#now(), error };
      if (this.#known) return this.#known.endpoints;
      throw error;
    }
  }
}

function urlIn(value: unknown): URL | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url !== null && isSecure(url) ? url : undefined;
}
