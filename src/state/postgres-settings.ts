/**
 * state/postgres-settings - how the private server is set up: durable, local, and made for a mail queue
 * (short transactions, rows that come and go, bodies in rows).
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './postgres-account.ts';
import type { Binaries } from './postgres-binaries.ts';
import { type Folder, port, serverEnvironment } from './postgres-folder.ts';

export type Settings = Readonly<Record<string, string | number | boolean>>;

const base: Settings = {
  // Only processes that may enter the socket folder reach the server.
  listen_addresses: '',
  port,
  unix_socket_permissions: '0700',
  max_connections: 200,

  // What a commit answered for is on disk.
  fsync: true,
  synchronous_commit: true,
  full_page_writes: true,

  // A burst of bodies fits between two checkpoints; recovery stays within a minute.
  max_wal_size: '2GB',
  min_wal_size: '128MB',
  checkpoint_timeout: '5min',
  checkpoint_completion_target: 0.9,

  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  random_page_cost: 1.1,

  // Thousands of small statements a second: compiling and parallel workers cost more than they bring.
  jit: false,
  max_parallel_workers_per_gather: 0,
  update_process_title: false,

  // Queue tables turn over many times a minute: dead rows are taken away before indexes swell.
  autovacuum_naptime: '10s',
  autovacuum_vacuum_threshold: 500,
  autovacuum_vacuum_scale_factor: 0.05,
  autovacuum_analyze_threshold: 500,
  autovacuum_analyze_scale_factor: 0.05,
  autovacuum_vacuum_cost_delay: '1ms',
  autovacuum_vacuum_cost_limit: 2000,

  // stderr is read by private-server; values of statements (addresses, bodies) never reach a log.
  log_destination: 'stderr',
  logging_collector: false,
  log_line_prefix: '',
  log_min_messages: 'warning',
  log_min_error_statement: 'panic',
  log_parameter_max_length: 0,
  log_parameter_max_length_on_error: 0,
  log_error_verbosity: 'terse',
  log_checkpoints: false,
  lc_messages: 'C',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

export async function writeSettings(
  folder: Folder,
  account: Account,
  binaries: Binaries,
  settings: Settings,
): Promise<void> {
  write(folder, settings);
  const lz4 = await accepts(folder, account, binaries, 'wal_compression', 'lz4');
  write(folder, { wal_compression: lz4 ? 'lz4' : 'pglz', ...settings });
}

function write(folder: Folder, settings: Settings): void {
  const all: Settings = { ...base, unix_socket_directories: folder.socket, ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${written(value)}`);
  const text = [
    '# Written by Isthmus at each start. Changes of your own go into own.conf beside this file.',
    ...lines,
    "include_if_exists 'own.conf'",
    '',
  ].join('\n');
  writeFileSync(join(folder.data, 'postgresql.conf'), text);
  // Who may enter the socket folder is one of us already.
  writeFileSync(
    join(folder.data, 'pg_hba.conf'),
    '# Written by Isthmus at each start.\nlocal all all trust\n',
  );
}

/** Whether this build of the server knows the value: compression methods are chosen when it is compiled. */
const accepts = (folder: Folder, account: Account, binaries: Binaries, name: string, value: string) =>
  promisify(execFile)(
    join(binaries.folder, 'postgres'),
    ['-D', folder.data, '-C', name, '-c', `${name}=${value}`],
    { ...account.ids, cwd: folder.root, env: serverEnvironment(), timeout: 10_000 },
  ).then(
    () => true,
    () => false,
  );

const written = (value: string | number | boolean): string =>
  typeof value === 'boolean' ? (value ? 'on' : 'off') : `'${String(value).replaceAll("'", "''")}'`;
