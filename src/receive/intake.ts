/**
 * receive/intake - from an accepted socket to a session: the PROXY header where it is due, and admission.
 */
import type { Socket } from 'node:net';
import type { ConditionName } from '../mail/condition.ts';
import { replyFor } from '../mail/condition.ts';
import { parseProxyHeader, plainIp } from '../protocol/smtp/proxy.ts';
import { printReplyLines } from '../protocol/smtp/reply-printer.ts';
import type { Admitted } from './admission.ts';
import type { ReceiveServer } from './server.ts';

/** For the PROXY header to come. */
const headerTime = 5_000;
/** For a refusal to get to its reader. */
const refusalTime = 1_000;

/** `onsession` is called when a session takes the socket over; until then its `close` is seen by whoever listens. */
export function takeSocket(server: ReceiveServer, socket: Socket, onsession: () => void): void {
  // A client may be gone at any time; nothing is to be done about it before there is a session.
  socket.on('error', () => {});
  const ip = socket.remoteAddress === undefined ? undefined : plainIp(socket.remoteAddress);
  if (ip === undefined) {
    socket.destroy();
  } else if (server.setting.recogniser.proxies.has(ip)) {
    readProxyHeader(server, socket, ip, onsession);
  } else {
    admit(server, socket, ip, socket.remotePort ?? 0, onsession);
  }
}

function readProxyHeader(
  server: ReceiveServer,
  socket: Socket,
  balancer: string,
  onsession: () => void,
): void {
  let octets: Buffer = Buffer.alloc(0);
  const stop = (why: string) => {
    finish();
    server.setting.log.warn({ ip: balancer, why }, 'no PROXY header');
    socket.destroy();
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
    if (result.header.kind === 'local') admit(server, socket, balancer, socket.remotePort ?? 0, onsession);
    else admit(server, socket, result.header.source.ip, result.header.source.port, onsession);
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

const refusals: Readonly<Record<Exclude<Admitted, 'admitted'>, ConditionName>> = {
  tooMany: 'tooManyConnections',
  tooManyFromNetwork: 'tooManyConnections',
  tooFast: 'tooManyConnections',
};

function admit(server: ReceiveServer, socket: Socket, ip: string, port: number, onsession: () => void): void {
  const { admission, recogniser, deps, options, log } = server.setting;
  const standing = recogniser.standing(ip);
  const trusted = standing.mayRelay || standing.site !== undefined;
  const admitted = admission.enter(ip, trusted, deps.now().getTime());
  deps.metrics.count('isthmus_connections_total', { listener: options.name });
  if (admitted === 'admitted') {
    onsession();
    server.begin(socket, ip, port, () => admission.leave(ip, trusted));
    return;
  }
  const reply = replyFor('later', refusals[admitted]);
  log.info({ ip, why: admitted }, 'connection refused');
  deps.metrics.count('isthmus_refusals_total', { listener: options.name, code: String(reply.code) });
  if (options.tls.mode === 'implicit') {
    socket.destroy();
    return;
  }
  socket.end(printReplyLines(reply));
  socket.resume();
  setTimeout(() => socket.destroy(), refusalTime).unref();
}
