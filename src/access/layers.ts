/**
 * access/layers - what may lie between a socket and a session: TLS, and compression (RFC 4978).
 */
import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import type { TlsContexts } from '../listen/tls-contexts.ts';
import type { TlsOptions } from '../listen/tls-options.ts';

export interface TlsSetting {
  readonly contexts: TlsContexts;
  readonly clientCertificates: TlsOptions['clientCertificates'];
}

/**
 * TLS from the next octet on. `secure` or, without it, `failed` is called once; the TLS socket is the caller's to
 * destroy at any time, the one below it never is.
 */
export function beginTls(
  below: Socket,
  { contexts, clientCertificates }: TlsSetting,
  secure: () => void,
  failed: (why: string) => void,
): TLSSocket {
  const requestCert = clientCertificates !== 'ignore';
  const rejectUnauthorized = clientCertificates === 'require';
  const socket = new TLSSocket(below, {
    isServer: true,
    secureContext: contexts.fallback,
    SNICallback: (name, done) => done(null, contexts.find(name)),
    requestCert,
    rejectUnauthorized,
  });
  let over = false;
  const fail = (error?: unknown) => {
    if (over) return;
    over = true;
    failed(error instanceof Error ? error.message : 'the client went away in the handshake');
  };
  socket.on('error', fail);
  socket.on('_tlsError', fail);
  socket.once('close', () => fail());
  socket.once('secure', () => {
    const refused = requestCert ? judge(socket, rejectUnauthorized) : undefined;
    if (refused !== undefined) return fail(new Error(refused));
    over = true;
    secure();
  });
  return socket;
}

/**
 * OpenSSL has looked at the client's certificate; a server that makes its TLS sockets itself must ask for the verdict,
 * as tls.Server does for its own, and where it does: at the handle.
 */
function judge(socket: TLSSocket, isRequired: boolean): string | undefined {
  const { _handle: handle } = socket as TLSSocket & {
    _handle?: { verifyError?(): (Error & { code?: string }) | null };
  };
  const error = handle?.verifyError?.();
  if (error) return isRequired ? `client certificate: ${error.code ?? error.message}` : undefined;
  socket.authorized = true;
  return undefined;
}

/**
 * Both directions compressed from the next octet on. The window we write by is small (some 64 KB for each session);
 * the one we read by is the client's choice, up to 32 KB (RFC 1951). What is read is no more than what is asked for,
 * whatever it was made of.
 */
export function compressed(
  socket: Duplex,
  failed: (why: string) => void,
): { source: Readable; sink: Writable } {
  const deflate = createDeflateRaw({
    windowBits: 13,
    memLevel: 6,
    chunkSize: 4096,
    flush: constants.Z_SYNC_FLUSH,
  });
  const inflate = createInflateRaw({ chunkSize: 4096, finishFlush: constants.Z_SYNC_FLUSH });
  for (const stream of [deflate, inflate]) stream.on('error', (error) => failed(error.message));
  socket.pipe(inflate);
  deflate.pipe(socket);
  socket.once('close', () => {
    deflate.destroy();
    inflate.destroy();
  });
  return { source: inflate, sink: deflate };
}
