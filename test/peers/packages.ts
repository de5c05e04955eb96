/**
 * peers/packages - programs of other people that the tests talk to, installed where that is permitted.
 *
 * Permitted means: Debian or a child of it, and we are root. Then a missing package is installed once, without
 * questions and without its services being started (policy-rc.d says 101 meanwhile and is put back afterwards).
 * Everywhere else, and when it fails, the reason is kept, and whoever needed the package records itself as not run.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { command } from './command.ts';
import { runFolder, unrun } from './unrun.ts';

/** A package is there when its program is, however it came. */
const programs: Readonly<Record<string, string>> = {
  postfix: 'postfix',
  slapd: 'slapd',
  'ldap-utils': 'ldapsearch',
  swaks: 'swaks',
  openssl: 'openssl',
  samba: 'samba',
  'samba-common-bin': 'samba-tool',
  'xz-utils': 'xz',
  postgresql: 'postgres',
  curl: 'curl',
  fetchmail: 'fetchmail',
  getmail6: 'getmail',
  gsasl: 'gsasl',
  isync: 'mbsync',
  mpop: 'mpop',
  msmtp: 'msmtp',
  neomutt: 'neomutt',
  offlineimap3: 'offlineimap',
  python3: 'python3',
  'sieve-connect': 'sieve-connect',
};

/** Places that are not always on the PATH of an ordinary user. */
const places = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/sbin',
  '/usr/libexec',
];

/** Where `program` is, or undefined. */
export function findProgram(program: string): string | undefined {
  const found = places.map((place) => join(place, program)).find((path) => existsSync(path));
  if (found !== undefined || program !== 'postgres') return found;
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  return versions.map((version) => `/usr/lib/postgresql/${version}/bin/postgres`).find(existsSync);
}

/** A path, for people who start it; throws where needPackages() was not asked first. */
export function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is not installed; needPackages() must be asked first`);
  return found;
}

async function isThere(name: string): Promise<boolean> {
  const known = programs[name];
  if (known !== undefined) return findProgram(known) !== undefined;
  if (findProgram('dpkg-query') === undefined) return false;
  const asked = await command('dpkg-query', ['-s', name]);
  return asked.stdout.includes('Status: install ok installed');
}

const missing = async (names: readonly string[]): Promise<string[]> => {
  const there = await Promise.all(names.map(isThere));
  return names.filter((_, index) => there[index] !== true);
};

/**
 * True when all of them are installed now. When not, why not is recorded under each missing name and `false` returned.
 * Bounded: at most about six minutes, once a run.
 */
export async function needPackages(names: readonly string[]): Promise<boolean> {
  const why = await whyMissing(names);
  for (const [name, reason] of why) unrun(name, reason);
  return why.size === 0;
}

/** The packages that are not there, after trying, each with the reason. Records nothing. */
export async function whyMissing(
  names: readonly string[],
  progress: (text: string) => void = () => {},
): Promise<ReadonlyMap<string, string>> {
  const wanted = await missing(names);
  if (wanted.length === 0) return new Map();
  const trouble = cannotInstall() ?? failedBefore(wanted) ?? (await install(wanted, progress));
  const still = trouble === undefined ? [] : await missing(wanted);
  return new Map(still.map((name) => [name, trouble ?? '']));
}

function cannotInstall(): string | undefined {
  if (findProgram('apt-get') === undefined) return 'not installed, and this is no Debian system';
  if (process.getuid?.() !== 0) return 'not installed, and only root may install it';
  return undefined;
}

const failure = (name: string) => join(runFolder(), `failed-${name}`);

/** Tried once in this run already, in vain: not again. */
function failedBefore(names: readonly string[]): string | undefined {
  const known = names.map(failure).filter((path) => existsSync(path));
  return known.length === names.length ? readFileSync(known[0] ?? '', 'utf8') : undefined;
}

/** One installer at a time on this machine, whatever run it belongs to. Package names are the arguments. */
const script = `
set -eu
policy=/usr/sbin/policy-rc.d
put_back() {
  if [ -e "$policy.before-isthmus" ]; then mv -f "$policy.before-isthmus" "$policy"
  elif grep -qs isthmus-tests "$policy"; then rm -f "$policy"; fi
}
put_back
trap put_back EXIT
if [ -e "$policy" ]; then mv -f "$policy" "$policy.before-isthmus"; fi
printf '#!/bin/sh\\n# isthmus-tests\\nexit 101\\n' > "$policy"
chmod 755 "$policy"
echo 'postfix postfix/main_mailer_type select Local only' | debconf-set-selections || true
if ! apt-cache show "$@" >/dev/null 2>&1; then apt-get update; fi
get="apt-get -o DPkg::Lock::Timeout=120 -y --no-install-recommends install"
$get "$@" || { apt-get update; $get "$@"; }
`;

/** The trouble, or undefined when all went well. */
async function install(
  names: readonly string[],
  progress: (text: string) => void,
): Promise<string | undefined> {
  progress(`installing ${names.join(', ')}\n`);
  const lock = '/tmp/isthmus-packages.lock';
  const args = ['-w', '240', lock, 'sh', '-c', script, 'install', ...names];
  const trouble = await command('flock', args, {
    within: 360_000,
    env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    progress,
  }).then(
    (ended) => (ended.code === 0 ? undefined : `apt-get: ${lastLine(ended.stderr || ended.stdout)}`),
    (error: Error) => error.message,
  );
  if (trouble !== undefined) for (const name of names) writeFileSync(failure(name), trouble);
  return trouble;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
