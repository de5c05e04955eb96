/**
 * listen/bind - one TCP address, bound while that may need root, and its clients kept waiting until somebody serves them.
 */
import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';

export interface Where {
  /** Told when it cannot be bound. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Several processes may bind the same address; the kernel spreads the connections. */
  readonly reusePort?: boolean;
}

export interface BoundSocket {
  readonly server: Server;
  readonly address: string;
  readonly port: number;
  /** From here on clients go to `take`; those that came since bind are taken first. */
  serve(take: (socket: Socket) => void): void;
  /** Gives the address back without ever having served. */
  close(): Promise<void>;
}

/** Clients that may wait between bind and serve; the kernel has its own queue besides. */
const waitingAtMost = 512;

/** Throws an Error that names the listener when the address cannot be had. `backlog`: the kernel's queue. */
export async function bindSocket(
  where: Where,
  { backlog, ...more }: ServerOpts & { readonly backlog: number },
): Promise<BoundSocket> {
  const waiting: Socket[] = [];
  let take = (socket: Socket): void => {
    if (waiting.length < waitingAtMost) waiting.push(socket);
    else socket.destroy();
  };
  // Half-open: a client may close its side behind its last command and still read the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, ...more }, (socket) => {
    // A client may be gone at any time; nothing is to be done about it but to notice that it closed.
    socket.on('error', () => {});
    take(socket);
  });
  await listen(server, where, backlog);
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error(`${where.name}: not an IP listener`);
  return {
    server,
    address: bound.address,
    port: bound.port,
    serve(taker) {
      take = taker;
      for (const socket of waiting.splice(0)) take(socket);
    },
    close() {
      for (const socket of waiting.splice(0)) socket.destroy();
      return closed(server);
    },
  };
}

function listen(server: Server, where: Where, backlog: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { address: host, port, reusePort = false } = where;
  server.once('error', (cause) =>
    reject(
      new Error(`listener ${where.name}: cannot bind ${host} port ${port}: ${cause.message}`, { cause }),
    ),
  );
  server.listen({ host, port, backlog, reusePort }, resolve);
  return promise;
}

/** Resolves when its last connection is gone. */
export const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));
