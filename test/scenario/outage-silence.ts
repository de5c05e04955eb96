/**
 * scenario/outage-silence - a server that goes silent at one point of the conversation, and keeps the connection.
 */
import { createServer, type Socket } from 'node:net';

/** `greeting`: nothing is ever said. `content`: nothing more is read after 354. `end`: no answer to the content. */
export const silences = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'content', 'end'] as const;
export type Silence = (typeof silences)[number];

export interface SilentServer {
  readonly port: number;
  /** Conversations that have gone silent. */
  readonly caught: () => number;
  close(): Promise<void>;
}

export async function startSilentServer(at: Silence): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  let caught = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    converse(socket, at, () => {
      caught += 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    caught: () => caught,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** No PIPELINING is offered: each command waits for its answer, and so for the silence. */
function converse(socket: Socket, at: Silence, silent: () => void): void {
  if (at === 'greeting') {
    silent();
    return;
  }
  socket.write('220 silent.test ESMTP\r\n');
  let rest = '';
  let inData = false;
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text;
    if (inData && !rest.endsWith('\r\n.\r\n')) return;
    const verb = inData ? 'end' : rest.slice(0, 4).toUpperCase();
    if (!rest.endsWith('\r\n')) return;
    rest = '';
    inData = false;
    if (verb === at) {
      silent();
      return;
    }
    if (verb !== 'DATA') {
      socket.write('250 2.0.0 Ok\r\n');
      return;
    }
    inData = true;
    socket.write('354 Go on\r\n');
    if (at !== 'content') return;
    socket.pause();
    silent();
  });
}
