/**
 * peers/capture - an SMTP server of our own that writes down exactly what came, and when it answered for it.
 *
 * For what Postfix does not tell: the octets of the content, the parameters of RCPT, the instant of the 250, and
 * whether a CR or LF ever stood alone. Pipelining, 8BITMIME, SMTPUTF8 and DSN are offered unless told otherwise.
 */
import { createServer, type Server, type Socket } from 'node:net';

export interface Captured {
  /** When the 250 was written, milliseconds since the epoch. */
  readonly at: number;
  readonly connection: number;
  /** What followed `MAIL FROM:` and `RCPT TO:`, parameters included. */
  readonly mail: string;
  readonly rcpt: readonly string[];
  /** Message-ID without angle brackets, of the header section. */
  readonly messageId: string | undefined;
  /** Dots unstuffed. Empty when content is not kept. */
  readonly content: Buffer;
  /** As it was on the wire, up to the CRLF before the last dot. Empty when content is not kept. */
  readonly wire: Buffer;
  /** A CR or LF stood alone in it. */
  readonly bare: boolean;
}

export interface CaptureOptions {
  readonly port?: number;
  readonly keepContent?: boolean;
  /** Extensions offered after EHLO. */
  readonly extensions?: readonly string[];
  /** A reply other than 250 (354 for DATA); `end` is the end of data, with all that was said at RCPT. */
  readonly answer?: (verb: 'MAIL' | 'RCPT' | 'DATA' | 'end', argument: string) => string | undefined;
}

export interface Capture {
  readonly port: number;
  readonly taken: readonly Captured[];
  close(): Promise<void>;
}

const usual = ['PIPELINING', 'SIZE 104857600', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES'] as const;

/** Octets of one command line or message: a peer that sends more is cut off. */
const longest = 104_857_600;

export async function startCapture(options: CaptureOptions = {}): Promise<Capture> {
  const taken: Captured[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, ++connections, options, taken);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', 4_096, resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    port,
    taken,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const nothing = Buffer.alloc(0);
const endOfData = Buffer.from('\r\n.\r\n');

function serve(socket: Socket, connection: number, options: CaptureOptions, taken: Captured[]): void {
  const say = (line: string) => socket.write(`${line}\r\n`);
  let pending: Buffer[] = [];
  let size = 0;
  let mail: string | undefined;
  let rcpt: string[] = [];
  let inData = false;

  const answer = (verb: 'MAIL' | 'RCPT' | 'DATA' | 'end', argument: string, usually: string): boolean => {
    const told = options.answer?.(verb, argument) ?? usually;
    say(told);
    return told === usually;
  };

  const command = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') {
      const offered = ['capture.test', ...(options.extensions ?? usual)];
      say(offered.map((name, at) => `250${at === offered.length - 1 ? ' ' : '-'}${name}`).join('\r\n'));
    } else if (verb === 'MAIL') {
      mail = line.slice('MAIL FROM:'.length);
      rcpt = [];
      if (!answer('MAIL', mail, '250 2.1.0 Ok')) mail = undefined;
    } else if (verb === 'RCPT') {
      const argument = line.slice('RCPT TO:'.length);
      if (mail === undefined) say('503 5.5.1 MAIL first');
      else if (answer('RCPT', argument, '250 2.1.5 Ok')) rcpt.push(argument);
    } else if (verb === 'DATA') {
      if (rcpt.length === 0) say('554 5.5.1 No valid recipients');
      else inData = answer('DATA', '', '354 Go on');
    } else if (verb === 'QUIT') {
      socket.end('221 2.0.0 Bye\r\n');
    } else {
      if (verb === 'RSET') rcpt = [];
      say(['HELO', 'RSET', 'NOOP'].includes(verb) ? '250 2.0.0 Ok' : '500 5.5.1 What?');
    }
  };

  const message = (stuffed: Buffer): void => {
    inData = false;
    const content = unstuff(stuffed);
    const told = options.answer?.('end', rcpt.join(' ')) ?? '250 2.0.0 Ok';
    if (told.startsWith('2')) {
      taken.push({
        at: Date.now(),
        connection,
        mail: mail ?? '',
        rcpt,
        messageId: messageIdOf(content),
        content: options.keepContent === false ? nothing : content,
        wire: options.keepContent === false ? nothing : Buffer.from(stuffed),
        bare: hasBare(content),
      });
    }
    say(told);
    mail = undefined;
    rcpt = [];
  };

  say('220 capture.test ESMTP');
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    pending.push(chunk);
    size += chunk.length;
    if (size > longest) {
      socket.destroy();
      return;
    }
    // The end of what is awaited lies in the last octets: no need to join what is before them.
    if (inData && pending.length > 1 && !endsInTail(pending, chunk)) return;
    let buffer = Buffer.concat(pending);
    for (let taking = true; taking; ) {
      taking = false;
      if (inData) {
        const emptyAtOnce = buffer.subarray(0, 3).equals(Buffer.from('.\r\n'));
        const end = emptyAtOnce ? -2 : buffer.indexOf(endOfData);
        if (end !== -1) {
          message(buffer.subarray(0, Math.max(0, end + 2)));
          buffer = buffer.subarray(end + 5);
          taking = true;
        }
      } else {
        const end = buffer.indexOf('\r\n');
        if (end !== -1) {
          command(buffer.subarray(0, end).toString('utf8'));
          buffer = buffer.subarray(end + 2);
          taking = true;
        }
      }
    }
    pending = buffer.length > 0 ? [buffer] : [];
    size = buffer.length;
  });
}

function endsInTail(pending: readonly Buffer[], chunk: Buffer): boolean {
  const before = pending.at(-2) ?? Buffer.alloc(0);
  if (before.length < 5 || chunk.length < 5 || pending.length > 64) return true;
  return Buffer.concat([before.subarray(-4), chunk]).includes(endOfData);
}

const unstuff = (stuffed: Buffer): Buffer =>
  stuffed[0] !== 0x2e && !stuffed.includes('\r\n.')
    ? Buffer.from(stuffed)
    : Buffer.from(stuffed.toString('latin1').replace(/^\.|(?<=\r\n)\./g, ''), 'latin1');

const hasBare = (content: Buffer): boolean => /\r(?!\n)|(?<!\r)\n/.test(content.toString('latin1'));

function messageIdOf(content: Buffer): string | undefined {
  const end = content.indexOf('\r\n\r\n');
  const head = content.subarray(0, end === -1 ? content.length : end).toString('latin1');
  return /^message-id:[ \t]*(?:\r\n[ \t]+)?<([^>\r\n]*)>/im.exec(head)?.[1];
}
