/**
 * listen/proxy-header - the PROXY header with which a balancer's connection begins, taken off the socket.
 */
import type { Socket } from 'node:net';
import { parseProxyHeader } from '../protocol/smtp/proxy.ts';

/** For the header to come. */
const headerTime = 5_000;

export interface ProxiedClient {
  readonly ip: string;
  readonly port: number;
}

/**
 * One of the two is called, once: `read` with the client, or with undefined where the balancer speaks for itself; what
 * follows the header is still in the socket. `failed`: there was no header; the socket is the caller's to destroy.
 */
export function readProxyHeader(
  socket: Socket,
  read: (client: ProxiedClient | undefined) => void,
  failed: (why: string) => void,
): void {
  let octets: Buffer = Buffer.alloc(0);
  const stop = (why: string) => {
    finish();
    failed(why);
  };
  const timer = setTimeout(() => stop('none came in time'), headerTime);
  const onEnd = () => stop('connection closed');
  const onReadable = () => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    }
    if (octets.length === 0) return;
    const result = parseProxyHeader(octets);
    if (result.state === 'malformed') return stop(result.why);
    if (result.state === 'incomplete') return;
    finish();
    const rest = octets.subarray(result.used);
    if (rest.length > 0) socket.unshift(rest);
    read(result.header.kind === 'local' ? undefined : result.header.source);
  };
  const finish = () => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
  };
  socket.on('readable', onReadable);
  socket.on('end', onEnd);
  socket.on('close', onEnd);
}
