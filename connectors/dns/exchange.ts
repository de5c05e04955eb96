/**
 * connectors/dns/exchange - one question to one server, over UDP and, where the answer is cut short, over TCP
 * (RFC 1035 §4.2, RFC 7766), with EDNS0 (RFC 6891) where the server knows it.
 *
 * What a stranger could send in the server's place is not believed (RFC 5452): the socket is new for each question,
 * so its port is the kernel's random choice, and it is connected, so only the server's packets come in; the id is
 * drawn from the system's randomness; id and question must be ours. Anything else is ignored, and the wait goes on.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import {
  type Answer,
  type DecodedPacket,
  decode,
  encode,
  RECURSION_DESIRED,
  type RecordType,
} from 'dns-packet';
import type { Server } from './resolv-conf.ts';

export interface Question {
  readonly name: string;
  readonly type: RecordType;
}

export interface ExchangeOptions {
  /** Milliseconds, for UDP and for TCP each. */
  readonly timeout: number;
  /** Letters of the name in random case, compared in the answer: harder to forge. Some servers change the case. */
  readonly mixCase: boolean;
}

/** RFC 1035 §4.1.1. */
export const rcode = { ok: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4 } as const;

export const rcodeOf = (packet: DecodedPacket): number => (packet.flags ?? 0) & 0xf;

/** The server's answer, whatever its code. Rejects when there is none in time, or when `signal` aborts. */
export async function exchange(
  server: Server,
  question: Question,
  options: ExchangeOptions,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const answer = await ask(server, question, options, true, signal);
  const code = rcodeOf(answer);
  if (code !== rcode.formatError && code !== rcode.notImplemented) return answer;
  // RFC 6891 §7: an old server that does not know EDNS.
  return await ask(server, question, options, false, signal);
}

async function ask(
  server: Server,
  question: Question,
  options: ExchangeOptions,
  edns: boolean,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const name = options.mixCase ? mixed(question.name) : question.name;
  const id = randomInt(0x10000);
  const packet = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type: question.type, class: 'IN' }],
    // 1232 octets pass every path unfragmented (DNS flag day 2020).
    ...(edns ? { additionals: [ednsRecord] } : {}),
  });
  const accept = (bytes: Buffer): DecodedPacket | undefined =>
    read(bytes, id, { ...question, name }, options);
  const answer = await overUdp(server, packet, accept, options.timeout, signal);
  return answer.flag_tc ? await overTcp(server, packet, accept, options.timeout, signal) : answer;
}

const ednsRecord = {
  type: 'OPT' as const,
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
} satisfies Answer;

function read(
  bytes: Buffer,
  id: number,
  ours: Question,
  { mixCase }: ExchangeOptions,
): DecodedPacket | undefined {
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  if (!packet.flag_qr || packet.id !== id) return undefined;
  const [question, ...more] = packet.questions ?? [];
  if (question === undefined) {
    // Servers that could not read our question do not repeat it.
    const code = rcodeOf(packet);
    return code === rcode.formatError || code === rcode.notImplemented ? packet : undefined;
  }
  const same = mixCase
    ? question.name === ours.name
    : question.name.toLowerCase() === ours.name.toLowerCase();
  return same && more.length === 0 && question.type === ours.type ? packet : undefined;
}

const mixed = (name: string): string =>
  name.replace(/[a-z]/g, (letter) => (randomInt(2) === 1 ? letter.toUpperCase() : letter));

type Accept = (bytes: Buffer) => DecodedPacket | undefined;

function overUdp(
  server: Server,
  packet: Buffer,
  accept: Accept,
  timeout: number,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const socket = createSocket(isIP(server.ip) === 4 ? 'udp4' : 'udp6');
  return limited(
    timeout,
    signal,
    () => socket.close(),
    (resolve, reject) => {
      socket.on('message', (bytes) => {
        const answer = accept(bytes);
        if (answer) resolve(answer);
      });
      socket.on('error', reject);
      socket.connect(server.port, server.ip, () => socket.send(packet));
    },
  );
}

function overTcp(
  server: Server,
  packet: Buffer,
  accept: Accept,
  timeout: number,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const socket = connect({ host: server.ip, port: server.port, noDelay: true });
  return limited(
    timeout,
    signal,
    () => socket.destroy(),
    (resolve, reject) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(packet.length);
      socket.write(Buffer.concat([length, packet]));
      // At most 65,537 octets: RFC 1035 §4.2.2 gives the length two.
      let bytes = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
        const answer = accept(bytes.subarray(2, 2 + bytes.readUInt16BE(0)));
        if (answer) resolve(answer);
        else reject(new Error('the answer over TCP is not to our question'));
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the server closed the connection')));
    },
  );
}

/** What `work` settles with, or a time-out, or the abort; `end` is called once, whatever happens. */
function limited<T>(
  timeout: number,
  signal: AbortSignal,
  end: () => void,
  work: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let over = false;
    const settle = (then: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      end();
      then();
    };
    const onAbort = (): void => settle(() => reject(signal.reason));
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no answer within ${timeout / 1000} s`))),
      timeout,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    work(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
    if (signal.aborted) onAbort();
  });
}
