/**
 * receive/intake - from an accepted socket to a session: the PROXY header where it is due, and admission.
 */
import type { Socket } from 'node:net';
import type { Admitted } from '../listen/admission.ts';
import { readProxyHeader } from '../listen/proxy-header.ts';
import type { ConditionName } from '../mail/condition.ts';
import { replyFor } from '../mail/condition.ts';
import { plainIp } from '../protocol/smtp/proxy.ts';
import { printReplyLines } from '../protocol/smtp/reply-printer.ts';
import type { ReceiveServer } from './server.ts';

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
    readProxyHeader(
      socket,
      (client) => admit(server, socket, client?.ip ?? ip, client?.port ?? socket.remotePort ?? 0, onsession),
      (why) => {
        server.setting.log.warn({ ip, why }, 'no PROXY header');
        socket.destroy();
      },
    );
  } else {
    admit(server, socket, ip, socket.remotePort ?? 0, onsession);
  }
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
