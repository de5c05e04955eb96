/**
 * scenario/outage-silence - servers that go silent at one point of the conversation and keep the connection, and one
 * that takes its time before it answers for a message.
 */
import { createServer, type Socket } from 'node:net';
import type { Captured } from '../peers/capture.ts';

/** `greeting`: nothing is ever said. `content`: nothing more is read after 354. `end`: no answer to the content. */
export const silences = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'content', 'end'] as const;
export type Silence = (typeof silences)[number];

export type Taken = Pick<Captured, 'at' | 'messageId' | 'rcpt'>;

interface Server {
  readonly port: number;
  close(): Promise<void>;
}

export interface SilentServer extends Server {
  /** Conversations that have gone silent. */
  readonly caught: () => number;
}

export async function startSilentServer(at: Silence): Promise<SilentServer> {
  let caught = 0;
  const server = await listen((socket) => {
    converse(socket, at, () => {
      caught += 1;
    });
  });
  return { ...server, caught: () => caught };
}

export interface SlowServer extends Server {
  /** Messages that are here to stay, though the answer may be still to come. */
  readonly taken: readonly Taken[];
}

/** Each message is answered for so many milliseconds after it came, whether anybody waits for that or not. */
export async function startSlowServer(delay: number): Promise<SlowServer> {
  const taken: Taken[] = [];
  const server = await listen((socket) => {
    converse(socket, 'end', (message, rcpt) => {
      taken.push({ at: Date.now(), messageId: /^message-id: <([^>]*)>/im.exec(message)?.[1], rcpt });
      setTimeout(() => socket.write('250 2.0.0 Ok\r\n'), delay);
    });
  });
  return { ...server, taken };
}

async function listen(serve: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** No PIPELINING is offered: each command waits for its answer, and so for the silence. */
function converse(socket: Socket, at: Silence, silent: (message: string, rcpt: string[]) => void): void {
  let rest = '';
  let inData = false;
  let rcpt: string[] = [];
  if (at === 'greeting') {
    silent('', rcpt);
    return;
  }
  socket.write('220 silent.test ESMTP\r\n');
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text;
    if (!rest.endsWith(inData ? '\r\n.\r\n' : '\r\n')) return;
    const line = rest;
    const verb = inData ? 'end' : line.slice(0, 4).toUpperCase();
    rest = '';
    inData = false;
    if (verb === 'MAIL') rcpt = [];
    if (verb === 'RCPT') rcpt.push(line.slice('RCPT TO:'.length).trim());
    if (verb === at) {
      silent(line, rcpt);
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
    silent('', rcpt);
  });
}
