/**
 * peers/setup - before any test: the run's own folder, and the programs the tests talk to.
 *
 * A package that cannot be had is no failure here: the suites that need it say so, and are listed at the end.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { whyMissing } from './packages.ts';
import { runFolder } from './unrun.ts';

/** Samba is large: only where its peer is there to use it. */
const wanted = (): readonly string[] => [
  'postfix',
  'swaks',
  'libnet-ssleay-perl',
  'openssl',
  'slapd',
  'ldap-utils',
  'xz-utils',
  ...(existsSync(join(import.meta.dirname, 'samba.ts')) ? ['samba'] : []),
];

export async function setup(): Promise<void> {
  const folder = runFolder();
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const absent = await whyMissing(wanted(), (text) => process.stderr.write(text));
  for (const [name, why] of absent) process.stderr.write(`peer ${name} is not here: ${why}\n`);
}
