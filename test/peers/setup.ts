/**
 * peers/setup - before any test: the run's own folder, and the programs the tests talk to.
 *
 * A package that cannot be had is no failure here: the suites that need it say so, and are listed at the end.
 */
import { openldapPackages } from './openldap.ts';
import { whyMissing } from './packages.ts';
import { sambaPackages } from './samba.ts';
import { runFolder } from './unrun.ts';

/** Programs with which people read and send mail. */
const mailPrograms: readonly string[] = [
  ...[
    'curl',
    'fetchmail',
    'getmail6',
    'gsasl',
    'isync',
    'mpop',
    'msmtp',
    'neomutt',
    'offlineimap3',
    'python3',
  ],
  ...['sieve-connect', 'swaks', 'libnet-ssleay-perl'],
];

const wanted: readonly string[] = [
  ...new Set(['postfix', 'xz-utils', ...mailPrograms, ...openldapPackages, ...sambaPackages]),
];

export async function setup(): Promise<void> {
  runFolder();
  const absent = await whyMissing(wanted, (text) => process.stderr.write(text));
  for (const [name, why] of absent) process.stderr.write(`peer ${name} is not here: ${why}\n`);
}
