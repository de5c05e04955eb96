/**
 * admin/http - what monitoring asks: /metrics for Prometheus, /healthz for a load balancer or an orchestrator.
 *
 * GET only, no bodies, on loopback unless configured otherwise; says nothing about messages or people.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../ports/log.ts';
import type { HealthCheck } from './health.ts';

export interface AdminHttpOptions {
  readonly address: string;
  readonly port: number;
}

export interface AdminHttpParts {
  readonly metrics: (signal: AbortSignal) => Promise<string>;
  readonly health: (signal: AbortSignal) => Promise<readonly HealthCheck[]>;
  readonly log: Log;
}

/** Longest time for one answer, milliseconds. */
const answerWithin = 10_000;

export async function startAdminHttp(
  options: AdminHttpOptions,
  parts: AdminHttpParts,
): Promise<{ readonly address: string; readonly port: number; close(): Promise<void> }> {
  const server = createServer(
    { requestTimeout: answerWithin, headersTimeout: answerWithin },
    (request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return send(response, 405, 'text/plain', 'GET only\n');
      void answer(request.url ?? '/', response, parts);
    },
  );
  server.maxConnections = 100;
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    address: options.address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const listen = (server: Server, { address, port }: AdminHttpOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`admin: cannot listen on ${address}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, address, () => resolve());
  });

async function answer(url: string, response: ServerResponse, parts: AdminHttpParts): Promise<void> {
  const signal = AbortSignal.timeout(answerWithin);
  try {
    switch (url.split('?')[0]) {
      case '/metrics':
        return send(response, 200, 'text/plain; version=0.0.4', await inTime(parts.metrics(signal), signal));
      case '/healthz': {
        const checks = await inTime(parts.health(signal), signal);
        const ok = checks.every((check) => check.ok);
        return send(response, ok ? 200 : 503, 'application/json', `${JSON.stringify({ ok, checks })}\n`);
      }
      default:
        return send(response, 404, 'text/plain', 'There are /metrics and /healthz\n');
    }
  } catch (error) {
    parts.log.error({ error, url }, 'admin request failed');
    send(response, 503, 'application/json', '{"ok":false,"checks":[]}\n');
  }
}

/** Whoever asks is answered, also where what is asked hangs. */
function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, late]);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
