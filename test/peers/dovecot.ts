/**
 * peers/dovecot - Debian's Dovecot as it comes, several at once: each with its own configuration, mail and ports.
 *
 * The system's own Dovecot is left alone. An instance lives in a temporary folder and listens on 127.0.0.1: LMTP, and
 * IMAP with any password. Everything that decides about durability (mail_fsync) is as it comes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './command.ts';
import { needPackages, program } from './packages.ts';
import { freePort } from './postfix.ts';

export const dovecotPackages = ['dovecot-core', 'dovecot-lmtpd', 'dovecot-imapd', 'dovecot-sieve'] as const;

export interface DovecotOptions {
  readonly format: 'maildir' | 'sdbox';
  /** Runs for everybody. */
  readonly sieve?: string;
  /** Processes of each kind. */
  readonly processes?: number;
}

export interface Dovecot {
  readonly lmtpPort: number;
  readonly imapPort: number;
  readonly folder: string;
  readonly pid: number | undefined;
  log(): Promise<string>;
  remove(): Promise<void>;
}

/** Who owns the mail: nobody, whom Debian's default of first_valid_uid permits. */
const owner = 65_534;

export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  if (!(await needPackages(dovecotPackages))) throw new Error('dovecot is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-dovecot-'));
  await chmod(folder, 0o755);
  const ports = { lmtp: await freePort(), imap: await freePort() };
  for (const name of ['mail', 'run', 'state']) await mkdir(join(folder, name));
  await chown(join(folder, 'mail'), owner, owner);
  if (options.sieve !== undefined) await writeFile(join(folder, 'all.sieve'), options.sieve);
  const configuration = join(folder, 'dovecot.conf');
  await writeFile(configuration, settings(folder, ports, options));
  const child: ChildProcess = spawn(program('dovecot'), ['-F', '-c', configuration], { stdio: 'ignore' });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const dovecot: Dovecot = {
    lmtpPort: ports.lmtp,
    imapPort: ports.imap,
    folder,
    get pid() {
      return child.exitCode === null && child.signalCode === null ? child.pid : undefined;
    },
    log: async () => (await readFile(join(folder, 'log'), 'utf8').catch(() => '')).slice(-20_000),
    async remove() {
      child.kill('SIGTERM');
      await until('Dovecot to stop', () => dovecot.pid === undefined, 20_000).catch(end);
      process.off('exit', end);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  try {
    const started = async () =>
      (await readdir(join(folder, 'run'))).includes('lmtp') || dovecot.pid === undefined;
    await until('Dovecot to listen', started, 20_000);
    if (dovecot.pid === undefined) throw new Error('Dovecot ended at once');
  } catch (error) {
    const log = await dovecot.log();
    await dovecot.remove();
    throw new Error(`${(error as Error).message}\n${log}`);
  }
  return dovecot;
}

const settings = (
  folder: string,
  ports: { readonly lmtp: number; readonly imap: number },
  { format, sieve, processes = 200 }: DovecotOptions,
): string => `
protocols = imap lmtp
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
first_valid_uid = 1
first_valid_gid = 1
mail_location = ${format}:~/mail
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=${owner} gid=${owner} home=${folder}/mail/%u
}
namespace inbox {
  inbox = yes
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${ports.lmtp}
  }
  unix_listener lmtp {
    mode = 0600
  }
  process_limit = ${processes}
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service imap {
  process_limit = ${processes}
}
default_client_limit = 4096
protocol imap {
  mail_max_userip_connections = 0
}
protocol lmtp {
  postmaster_address = postmaster@bench.test
  mail_plugins = sieve
}
${sieve === undefined ? '' : `plugin {\n  sieve_before = ${folder}/all.sieve\n}`}
`;
