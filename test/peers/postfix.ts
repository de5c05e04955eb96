/**
 * peers/postfix - Debian's Postfix as it comes, several at once: each with its own configuration, queue and port.
 *
 * The system's own Postfix, running or not, is left alone. An instance lives in a temporary folder, listens on
 * 127.0.0.1 only, resolves no names, and delivers the domains it is given into one maildir, below which every file
 * begins with the three fields of virtual(8): Return-Path, X-Original-To, Delivered-To.
 *
 * Header changes that Postfix makes for local clients and the fields that it drops by default are turned off, so that
 * what it delivers is what it was given plus trace fields (postconf(5): local_header_rewrite_clients,
 * message_drop_headers). Everything else, syncing to disk above all, is as it comes.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../fixture/tls.ts';
import { command, must, until } from './command.ts';
import { needPackages, program } from './packages.ts';

export interface PostfixOptions {
  /** What it calls itself; `peer.test` when not said. */
  readonly hostname?: string;
  /** Delivered here, whatever the local part. */
  readonly domains?: readonly string[];
  /** Answers at RCPT: `{ 'full@onprem.test': '452 4.2.2 Mailbox full' }`. */
  readonly answers?: Readonly<Record<string, string>>;
  /** `[127.0.0.1]:2525` for everything that is not delivered here. */
  readonly relayHost?: string;
  /** By domain: `smtp:[127.0.0.1]:2525`. */
  readonly transports?: Readonly<Record<string, string>>;
  readonly tls?: PostfixTls;
  /** More lines of main.cf; they win. */
  readonly main?: Readonly<Record<string, string>>;
}

export interface PostfixTls {
  readonly certificate: Certificate;
  /** Plain text is refused (smtpd_tls_security_level=encrypt). */
  readonly require: boolean;
  /** Clients must show a certificate of this authority with one of these SHA-256 fingerprints. */
  readonly clients?: { readonly ca: string; readonly fingerprints: readonly string[] };
}

/** One file of the maildir, taken apart. */
export interface Delivered {
  readonly sender: string;
  /** As it was at RCPT of this Postfix. */
  readonly recipient: string;
  /** From the first Received field on, CRLF lines. */
  readonly content: Buffer;
}

export interface Postfix {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly folder: string;
  log(): Promise<string>;
  /** Everything delivered so far, in no order. */
  delivered(): Promise<readonly Delivered[]>;
  /** How many files there are in the maildir: cheap. */
  count(): Promise<number>;
  /** Waits for so many deliveries in all; shows the log when they do not come. */
  waitFor(count: number, within?: number): Promise<readonly Delivered[]>;
  /** Messages in incoming, active and deferred. */
  queued(): Promise<number>;
  masterPid(): number | undefined;
  start(): Promise<void>;
  /** Ends its processes; the queue stays. */
  stop(): Promise<void>;
  /** stop() and nothing left. */
  remove(): Promise<void>;
}

const handedOut = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody had a moment ago, and that was not given to anyone here before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
}

export async function startPostfix(options: PostfixOptions = {}): Promise<Postfix> {
  if (!(await needPackages(['postfix']))) throw new Error('postfix is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-postfix-'));
  const port = await freePort();
  await lay(folder, port, options);
  const postfix = instance(folder, port);
  await postfix.start();
  return postfix;
}

const nobody = 65_534;

async function lay(folder: string, port: number, options: PostfixOptions): Promise<void> {
  await chmod(folder, 0o755);
  for (const name of ['etc', 'spool', 'data', 'mail', 'mail/all']) await mkdir(join(folder, name));
  const users = readFileSync('/etc/passwd', 'utf8');
  const owner = Number(/^postfix:[^:]*:(\d+)/m.exec(users)?.[1]);
  await chown(join(folder, 'data'), owner, -1);
  for (const name of ['mail', 'mail/all']) await chown(join(folder, name), nobody, nobody);
  const settings = { ...mainSettings(folder, options), ...tlsSettings(folder, options.tls), ...options.main };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  await writeFile(join(folder, 'etc/main.cf'), lines.join(''));
  await writeFile(join(folder, 'etc/master.cf'), masterFile(port));
  await writeFile(join(folder, 'etc/answers'), table(options.answers ?? {}));
  await writeFile(join(folder, 'etc/transports'), table(options.transports ?? {}));
  await writeFile(
    join(folder, 'etc/clients'),
    table(Object.fromEntries((options.tls?.clients?.fingerprints ?? []).map((print) => [print, 'OK']))),
  );
}

const table = (rows: Readonly<Record<string, string>>): string =>
  Object.entries(rows)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');

function mainSettings(folder: string, options: PostfixOptions): Record<string, string> {
  return {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'spool'),
    data_directory: join(folder, 'data'),
    maillog_file: join(folder, 'log'),
    maillog_file_prefixes: folder,
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    myhostname: options.hostname ?? 'peer.test',
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    alias_maps: '',
    local_recipient_maps: '',
    smtputf8_enable: 'yes',
    biff: 'no',
    disable_dns_lookups: 'yes',
    smtp_host_lookup: 'native',
    message_size_limit: '52428800',
    mailbox_size_limit: '0',
    virtual_mailbox_limit: '0',
    local_header_rewrite_clients: '',
    message_drop_headers: '',
    virtual_mailbox_domains: (options.domains ?? []).join(', '),
    virtual_mailbox_maps: 'static:all/',
    virtual_mailbox_base: join(folder, 'mail'),
    virtual_uid_maps: `static:${nobody}`,
    virtual_gid_maps: `static:${nobody}`,
    relayhost: options.relayHost ?? '',
    transport_maps: `texthash:${join(folder, 'etc/transports')}`,
    smtpd_recipient_restrictions: `check_recipient_access texthash:${join(folder, 'etc/answers')}, permit_mynetworks, reject_unauth_destination`,
  };
}

function tlsSettings(folder: string, tls: PostfixTls | undefined): Record<string, string> {
  if (tls === undefined) return {};
  return {
    smtpd_tls_security_level: tls.require ? 'encrypt' : 'may',
    smtpd_tls_chain_files: `${tls.certificate.key}, ${tls.certificate.cert}`,
    smtpd_tls_loglevel: '1',
    ...(tls.clients === undefined
      ? {}
      : {
          smtpd_tls_CAfile: tls.clients.ca,
          smtpd_tls_ask_ccert: 'yes',
          smtpd_tls_req_ccert: 'yes',
          smtpd_tls_fingerprint_digest: 'sha256',
          smtpd_client_restrictions: `check_ccert_access texthash:${join(folder, 'etc/clients')}, reject`,
        }),
  };
}

/** Debian's master.cf without what is of no use here, nothing in a chroot, the port ours. */
function masterFile(port: number): string {
  const services = `
    127.0.0.1:${port} inet n - n - - smtpd
    pickup unix n - n 60 1 pickup
    cleanup unix n - n - 0 cleanup
    qmgr unix n - n 300 1 qmgr
    tlsmgr unix - - n 1000? 1 tlsmgr
    rewrite unix - - n - - trivial-rewrite
    bounce unix - - n - 0 bounce
    defer unix - - n - 0 bounce
    trace unix - - n - 0 bounce
    verify unix - - n - 1 verify
    flush unix n - n 1000? 0 flush
    proxymap unix - - n - - proxymap
    proxywrite unix - - n - 1 proxymap
    smtp unix - - n - - smtp
    relay unix - - n - - smtp
    showq unix n - n - - showq
    error unix - - n - - error
    retry unix - - n - - error
    discard unix - - n - - discard
    virtual unix - n n - - virtual
    lmtp unix - - n - - lmtp
    anvil unix - - n - 1 anvil
    scache unix - - n - 1 scache
    postlog unix-dgram n - n - 1 postlogd`;
  return `${services.trim().replace(/^ +/gm, '')}\n`;
}

/** Instances of this process that run: none may outlive it. */
const running = new Set<() => number | undefined>();
process.on('exit', () => {
  for (const pid of running) signal(pid(), 'SIGTERM');
});

function instance(folder: string, port: number): Postfix {
  const etc = join(folder, 'etc');
  const arrived = join(folder, 'mail/all/new');
  const log = () => readFile(join(folder, 'log'), 'utf8').catch(() => '');
  const count = async () => (await readdir(arrived).catch(() => [])).length;

  /** Files of a maildir never change once they are there. */
  const read = new Map<string, Delivered>();

  const masterPid = (): number | undefined => {
    const file = join(folder, 'spool/pid/master.pid');
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    return pid > 0 && existsSync(`/proc/${pid}/stat`) ? pid : undefined;
  };

  const self: Postfix = {
    host: '127.0.0.1',
    port,
    folder,
    log,
    count,
    masterPid,
    async delivered() {
      const names = await readdir(arrived).catch(() => []);
      for (const name of names) {
        if (!read.has(name)) read.set(name, takeApart(await readFile(join(arrived, name))));
      }
      return [...read.values()];
    },
    async waitFor(wanted, within = 60_000) {
      await until(`${wanted} deliveries`, async () => (await count()) >= wanted, within).catch(
        async (error) => {
          const tail = (await log()).split('\n').slice(-25).join('\n');
          throw new Error(`${error.message}; ${await count()} came. The end of its log:\n${tail}`);
        },
      );
      return self.delivered();
    },
    async queued() {
      const queues = ['incoming', 'active', 'deferred'].map((name) => join(folder, 'spool', name));
      const files = await Promise.all(queues.map((name) => countFiles(name)));
      return files.reduce((sum, number) => sum + number, 0);
    },
    async start() {
      running.add(masterPid);
      const started = await command(program('postfix'), ['-c', etc, 'start'], { within: 30_000 });
      if (started.code !== 0) throw new Error(`postfix did not start: ${started.stderr}${await log()}`);
    },
    async stop() {
      running.delete(masterPid);
      if (masterPid() === undefined) return;
      await must(program('postfix'), ['-c', etc, 'stop'], { within: 30_000 });
      await until('postfix to end', () => masterPid() === undefined, 15_000);
    },
    async remove() {
      await self.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return self;
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}

/** The maildir has LF lines; what we compare has CRLF, and virtual(8) adds nothing at the end. */
function takeApart(file: Buffer): Delivered {
  const text = file.toString('latin1');
  const top = /^Return-Path: <(.*)>\nX-Original-To: (.*)\nDelivered-To: (.*)\n/.exec(text);
  if (top === null) throw new Error(`not a file of virtual(8): ${text.slice(0, 200)}`);
  const utf8 = (part: string | undefined) => Buffer.from(part ?? '', 'latin1').toString('utf8');
  const content = Buffer.from(text.slice(top[0].length).replaceAll('\n', '\r\n'), 'latin1');
  return { sender: utf8(top[1]), recipient: utf8(top[2]), content };
}
