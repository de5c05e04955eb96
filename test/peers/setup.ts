/**
 * peers/setup - before any test: the run's own folder, and the programs the tests talk to.
 *
 * A package that cannot be had is no failure here: the suites that need it say so, and are listed at the end.
 */
import { openldapPackages } from './openldap.ts';
import { whyMissing } from './packages.ts';
import { sambaPackages } from './samba.ts';
import { runFolder } from './unrun.ts';

const wanted: readonly string[] = [
  ...new Set(['postfix', 'swaks', 'libnet-ssleay-perl', 'xz-utils', ...openldapPackages, ...sambaPackages]),
];

export async function setup(): Promise<void> {
  runFolder();
  const absent = await whyMissing(wanted, (text) => process.stderr.write(text));
  for (const [name, why] of absent) process.stderr.write(`peer ${name} is not here: ${why}\n`);
}
