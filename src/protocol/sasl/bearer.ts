/**
 * protocol/sasl/bearer - OAUTHBEARER (RFC 7628) and XOAUTH2, which Google made before it and Microsoft took over
 * (developers.google.com/workspace/gmail/imap/xoauth2-protocol): the client hands over an access token.
 *
 * A token that is not good is answered by a challenge with a JSON text that says why and where to get a better one;
 * the client answers with a dummy, and then it has failed.
 */

import { readGs2Header } from './scram-messages.ts';
import { challenge, failed, malformed, once, opening, type Step, type TokenVerdict, textOf } from './step.ts';

/** Octets. Tokens that list hundreds of groups have some tens of thousands. */
const atMost = 65_536;
const dummyAtMost = 1024;

/** RFC 6750 §2.1; the scheme is compared without regard to case (RFC 7628 §3.1). */
const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

interface Wish {
  readonly token: string;
  readonly authorizationId: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** RFC 7628 §3.1: `gs2-header ^A *(key=value ^A) ^A`. */
export const oauthBearer = (initial: Uint8Array | undefined): Step =>
  opening(initial, atMost, (response) => {
    const text = textOf(response);
    if (text === undefined || text.includes('\0')) return malformed('OAUTHBEARER: not UTF-8 without NUL');
    const header = readGs2Header(text);
    if (header === undefined) return malformed('OAUTHBEARER: no GS2 header');
    if (header.flag === 'p') return failed('binding', 'OAUTHBEARER: there is no channel binding to it');
    if (!header.rest.startsWith('\x01')) return malformed('OAUTHBEARER: no ^A behind the GS2 header');
    const pairs = readPairs(header.rest.slice(1));
    if (typeof pairs === 'string') return malformed(`OAUTHBEARER: ${pairs}`);
    const token = bearer.exec(pairs.get('auth') ?? '')?.[1];
    if (token === undefined) return malformed('OAUTHBEARER: no bearer token');
    const port = pairs.get('port');
    if (port !== undefined && !/^\d{1,5}$/.test(port)) return malformed('OAUTHBEARER: the port is no number');
    return ask('OAUTHBEARER', {
      token,
      authorizationId: header.authorizationId,
      host: pairs.get('host'),
      port: port === undefined ? undefined : Number(port),
    });
  });

/** `user=NAME ^A auth=Bearer TOKEN ^A ^A`. */
export const xoauth2 = (initial: Uint8Array | undefined): Step =>
  opening(initial, atMost, (response) => {
    const text = textOf(response);
    if (text === undefined || text.includes('\0')) return malformed('XOAUTH2: not UTF-8 without NUL');
    const pairs = readPairs(text);
    if (typeof pairs === 'string') return malformed(`XOAUTH2: ${pairs}`);
    const token = bearer.exec(pairs.get('auth') ?? '')?.[1];
    if (token === undefined) return malformed('XOAUTH2: no bearer token');
    return ask('XOAUTH2', { token, authorizationId: pairs.get('user') || undefined });
  });

/** Pairs by name, or what is wrong with them. Names that we do not know are kept, and looked at by nobody. */
function readPairs(text: string): ReadonlyMap<string, string> | string {
  if (!text.endsWith('\x01\x01')) return 'no ^A^A at the end';
  const pairs = new Map<string, string>();
  for (const pair of text.slice(0, -2).split('\x01')) {
    const [, key, value] = /^([A-Za-z]{1,64})=([\t\n\r\x20-\x7e\u0080-\u{10ffff}]*)$/u.exec(pair) ?? [];
    if (key === undefined || value === undefined) return 'a part is not key=value';
    if (pairs.has(key)) return `${key} is said twice`;
    pairs.set(key, value);
  }
  return pairs;
}

const ask = (mechanism: 'OAUTHBEARER' | 'XOAUTH2', { token, authorizationId, host, port }: Wish): Step => ({
  kind: 'ask',
  question: 'token',
  token,
  authorizationId,
  host,
  port,
  answer: once((verdict) =>
    verdict.isGood
      ? { kind: 'done', authenticationId: verdict.authenticationId, authorizationId }
      : challenge(troubleText(mechanism, verdict), dummyAtMost, () =>
          failed('credentials', `${mechanism}: ${verdict.status}`),
        ),
  ),
});

/** RFC 7628 §3.2.2; XOAUTH2 has an HTTP status, and the scheme to use. */
function troubleText(mechanism: string, verdict: TokenVerdict & { readonly isGood: false }): string {
  const { status, scope, openidConfiguration } = verdict;
  if (mechanism === 'XOAUTH2')
    return JSON.stringify({
      status: { invalid_request: '400', invalid_token: '401', insufficient_scope: '403' }[status],
      schemes: 'bearer',
      ...(scope !== undefined && { scope }),
    });
  return JSON.stringify({
    status,
    ...(scope !== undefined && { scope }),
    ...(openidConfiguration !== undefined && { 'openid-configuration': openidConfiguration }),
  });
}
