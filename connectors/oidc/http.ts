/**
 * oidc/http - one question to an identity provider: TLS, a time limit, a size limit, and no redirects.
 *
 * Not fetch(), because that takes no authorities of its own, and providers in one's own rooms have certificates of
 * one's own authority. Without TLS only on this machine: a provider's answers decide who enters.
 */
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { VerifierAway } from '../../src/ports/authenticator.ts';

export interface HttpSettings {
  /** Milliseconds for the whole of it. */
  readonly timeout: number;
  /** PEM of the authorities; the system's when absent. */
  readonly ca?: string;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const mostOctets = 1 << 20;

export const isSecure = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname));

/** Throws VerifierAway for whatever keeps an answer from coming. */
export async function ask(
  url: URL,
  question: Question,
  { timeout, ca }: HttpSettings,
  signal: AbortSignal,
): Promise<Answer> {
  if (!isSecure(url)) throw new VerifierAway(`${url.origin} is asked over TLS only, or on this machine`);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  try {
    return await exchange(url, question, ca, limit);
  } catch (error) {
    signal.throwIfAborted();
    const why = limit.aborted ? `no answer within ${timeout} ms` : (error as Error).message;
    throw new VerifierAway(`${url.origin}${url.pathname}: ${why}`, { cause: error });
  }
}

function exchange(
  url: URL,
  question: Question,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { method, headers, body } = question;
  const options = {
    method,
    signal,
    agent: false as const,
    headers: { accept: 'application/json', ...headers },
  };
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
        : requestPlain(url, options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      const pieces: Buffer[] = [];
      let octets = 0;
      response.on('data', (piece: Buffer) => {
        octets += piece.length;
        if (octets > mostOctets) response.destroy(new Error(`an answer of more than ${mostOctets} octets`));
        else pieces.push(piece);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') }),
      );
    });
    sent.end(body);
  });
}

/** The object in a successful answer. */
export function objectIn({ status, body }: Answer, url: URL): Readonly<Record<string, unknown>> {
  if (status !== 200)
    throw new VerifierAway(`${url.origin}${url.pathname}: it answers with status ${status}`);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new VerifierAway(`${url.origin}${url.pathname}: the answer is no JSON object`);
  return value as Record<string, unknown>;
}
