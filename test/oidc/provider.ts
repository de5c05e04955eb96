/**
 * A pretend identity provider on this machine: discovery, keys, introspection, and its bad days.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Key {
  readonly kid: string;
  readonly alg: 'RS256' | 'ES256';
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

export function makeKey(kid: string, alg: Key['alg'] = 'ES256'): Key {
  const { privateKey, publicKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RFC 7515 §3.1, by hand: not by the library that checks it. */
export function signed(claims: object, { kid, alg, privateKey }: Key, header: object = {}): string {
  const input = `${part({ alg, kid, typ: 'at+jwt', ...header })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

export interface Provider {
  readonly issuer: string;
  readonly keys: Key[];
  /** What is answered about tokens; `{ active: false }` about all others. */
  readonly tokens: Map<string, object>;
  /** Paths asked, in order. */
  readonly asked: string[];
  /** Fields over the discovery document. */
  document: object;
  /** ok, or what is wrong with every answer. */
  mood: 'ok' | 'status 500' | 'silent' | 'no JSON' | 'endless' | 'redirect';
  close(): void;
}

export async function startProvider(
  tls?: { readonly cert: string; readonly key: string },
  credentials = 'Basic aXN0aG11czphJTI2Yg==', // isthmus:a&b
): Promise<Provider> {
  const server = tls ? createTls(tls, answer) : createPlain(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: Provider = {
    issuer,
    keys: [],
    tokens: new Map(),
    asked: [],
    document: {},
    mood: 'ok',
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    provider.asked.push(request.url ?? '');
    const { mood } = provider;
    if (mood === 'silent') return;
    if (mood === 'redirect') response.writeHead(302, { location: `${issuer}/elsewhere` }).end();
    else if (mood === 'status 500') response.writeHead(500).end('{}');
    else if (mood === 'no JSON') response.writeHead(200).end('<html>');
    else if (mood === 'endless') {
      response.on('error', () => {});
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
      };
      response.on('drain', more);
      more();
    } else void tell(request, response);
  }

  async function tell(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (value: object, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url === '/.well-known/openid-configuration')
      say({
        issuer,
        jwks_uri: `${issuer}/keys`,
        introspection_endpoint: `${issuer}/introspect`,
        ...provider.document,
      });
    else if (request.url === '/keys') say({ keys: provider.keys.map(({ jwk }) => jwk) });
    else if (request.url === '/introspect' && request.headers.authorization !== credentials) say({}, 401);
    else if (request.url === '/introspect' && request.method === 'POST') {
      const token = new URLSearchParams(await text(request)).get('token') ?? '';
      say(provider.tokens.get(token) ?? { active: false });
    } else say({}, 404);
  }

  return provider;
}
