/**
 * listen/channel - what a connection's TLS tells whoever judges a sign-in (ports/authenticator, Channel).
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Channel } from '../ports/authenticator.ts';
import { channelBindings } from '../protocol/sasl/channel-binding.ts';

type TlsPart = Pick<Channel, 'tls' | 'channelBindings' | 'clientCertificate'>;

/** Of a socket whose handshake is over. The client's certificate is told only when it was verified. */
export function tlsPart(socket: Socket): TlsPart {
  if (!(socket instanceof TLSSocket)) return { tls: false, channelBindings: new Map() };
  const own = socket.getCertificate();
  const client = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return {
    tls: true,
    channelBindings: channelBindings({
      version: socket.getProtocol(),
      exportKeyingMaterial: (length, label, context) => socket.exportKeyingMaterial(length, label, context),
      serverCertificate: own !== null && 'raw' in own ? own.raw : undefined,
    }),
    ...(client === undefined ? {} : { clientCertificate: client.raw }),
  };
}
