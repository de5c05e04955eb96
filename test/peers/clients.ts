/**
 * peers/clients - other people's SMTP clients and Postfix's own measuring tools, as promises with an end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { command, type Ended, killGroup, must, until } from './command.ts';
import { program } from './packages.ts';
import { freePort } from './postfix.ts';

export interface Mail {
  readonly port: number;
  readonly from: string;
  readonly to: readonly string[];
  /** The whole message; swaks sends it as it is, with CRLF lines. */
  readonly data?: string;
  /** More of swaks' own arguments: `--tls`, `--header`, … */
  readonly more?: readonly string[];
}

/** swaks; its transcript is the standard output. Exit code 0 only when all was taken; see swaks(1). */
export const swaks = (mail: Mail): Promise<Ended> =>
  command(program('swaks'), [
    ...['--server', '127.0.0.1', '--port', String(mail.port), '--helo', 'client.test', '--timeout', '30s'],
    ...['--from', mail.from, '--to', mail.to.join(',')],
    ...(mail.data === undefined ? [] : ['--data', mail.data]),
    ...(mail.more ?? []),
  ]);

export interface Load {
  readonly port: number;
  readonly messages: number;
  readonly sessions: number;
  /** Octets of each message. */
  readonly size: number;
  /** Sessions are kept open for the next message (`-d`); else one message a connection. */
  readonly keep: boolean;
  readonly from: string;
  readonly to: string;
  readonly within?: number;
}

/** smtp-source(1): resolves when everything has been answered with 250; rejects when something was not. */
export const smtpSource = (load: Load): Promise<Ended> =>
  must(
    program('smtp-source'),
    [
      ...(load.keep ? ['-d'] : []),
      ...['-s', String(load.sessions), '-m', String(load.messages), '-l', String(load.size)],
      ...['-f', load.from, '-t', load.to, '-M', 'source.test', `inet:127.0.0.1:${load.port}`],
    ],
    { within: load.within ?? 300_000 },
  );

export interface Sink {
  readonly port: number;
  /** Resolves when it has taken so many messages as were asked for. */
  readonly full: Promise<void>;
  close(): void;
}

/** smtp-sink(1) that ends by itself after `messages` (`-M`). */
export async function smtpSink(messages: number, port?: number): Promise<Sink> {
  const at = port ?? (await freePort());
  const owner = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const args = [...owner, '-M', String(messages), `inet:127.0.0.1:${at}`, '1024'];
  const child: ChildProcess = spawn(program('smtp-sink'), args, { stdio: 'ignore', detached: true });
  const end = () => killGroup(child.pid);
  process.once('exit', end);
  const full = new Promise<void>((resolve) => {
    child.once('close', () => {
      process.off('exit', end);
      resolve();
    });
  });
  const ended = full.then(() => true);
  await until('smtp-sink to listen', () => Promise.race([ended, listens(at)]), 10_000);
  return { port: at, full, close: end };
}

/** Whether something listens, without a connection that a counting sink would count: read from the kernel's table. */
async function listens(port: number): Promise<boolean> {
  const { readFile } = await import('node:fs/promises');
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return (await readFile('/proc/net/tcp', 'utf8')).includes(`:${hex} 00000000:0000 0A`);
}
