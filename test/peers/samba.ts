/**
 * peers/samba - Samba as an Active Directory domain controller, with the attributes of Exchange that the preset reads.
 *
 * Provisioned in a temporary folder in a few seconds; only its LDAP service runs. Samba's LDAP port cannot be chosen,
 * so it listens on 389 of a loopback address of its own. The domain is example.org.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../fixture/tls.ts';
import { must, until } from './command.ts';
import { listens } from './openldap.ts';
import { program } from './packages.ts';

export const sambaPackages = [
  'samba',
  'samba-ad-provision',
  'samba-dsdb-modules',
  'samba-vfs-modules',
  'ldap-utils',
  'openssl',
] as const;

export interface Samba {
  readonly url: string;
  readonly secureUrl: string;
  readonly base: 'DC=example,DC=org';
  readonly admin: { readonly dn: string; readonly password: string };
  /** Changes by LDIF change records, through the server. */
  modify(ldif: string): Promise<void>;
  remove(): Promise<void>;
}

const base = 'DC=example,DC=org';
const admin = { dn: `CN=Administrator,CN=Users,${base}`, password: 'Passw0rd.of-the-test' } as const;

/** name, attributeSyntax, oMSyntax. */
const exchange: readonly (readonly [name: string, syntax: string, om: number])[] = [
  ['targetAddress', '2.5.5.12', 64],
  ['msExchRecipientTypeDetails', '2.5.5.16', 65],
  ['msExchRemoteRecipientType', '2.5.5.16', 65],
  ['msExchHideFromAddressLists', '2.5.5.8', 1],
  ['msExchEnableModeration', '2.5.5.8', 1],
  ['msExchRequireAuthToSendTo', '2.5.5.8', 1],
  ['reportToOwner', '2.5.5.8', 1],
  ['reportToOriginator', '2.5.5.8', 1],
];

function attributeLdif(): string {
  return exchange
    .map(
      ([name, syntax, om], n) => `dn: CN=${name},CN=Schema,CN=Configuration,${base}
changetype: add
objectClass: top
objectClass: attributeSchema
attributeID: 1.3.6.1.4.1.4203.666.78.${n + 1}
lDAPDisplayName: ${name}
attributeSyntax: ${syntax}
oMSyntax: ${om}
isSingleValued: TRUE

`,
    )
    .join('');
}

function classLdif(): string {
  return ['User', 'Group', 'Contact']
    .map(
      (name) => `dn: CN=${name},CN=Schema,CN=Configuration,${base}
changetype: modify
add: mayContain
${exchange.map(([attribute]) => `mayContain: ${attribute}`).join('\n')}

`,
    )
    .join('');
}

const schemaUpdateNow = `dn:
changetype: modify
add: schemaUpdateNow
schemaUpdateNow: 1

`;

export async function startSamba(certificate: Certificate): Promise<Samba> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-samba-'));
  const host = `127.${randomInt(64, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
  let child: ChildProcess | undefined;
  const peer: Samba = {
    url: `ldap://${host}`,
    secureUrl: `ldaps://${host}`,
    base,
    admin,
    async modify(change) {
      const login = ['-x', '-H', peer.secureUrl, '-D', admin.dn, '-w', admin.password];
      await must(program('ldapmodify'), login, { input: change, env: { LDAPTLS_REQCERT: 'never' } });
    },
    async remove() {
      const running = child;
      child = undefined;
      if (running && running.exitCode === null) {
        const gone = new Promise((resolve) => running.once('exit', resolve));
        running.kill('SIGKILL');
        await gone;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    const config = await provision(folder, host, certificate);
    child = spawn(program('samba'), ['-i', '-M', 'single', '-s', config], { stdio: 'ignore' });
    await until('samba to listen', () => listens(636, host), 30_000);
    await peer.modify(attributeLdif() + schemaUpdateNow);
    await peer.modify(classLdif() + schemaUpdateNow);
  } catch (error) {
    await peer.remove();
    throw error;
  }
  return peer;
}

/** The configuration file of the new domain. */
async function provision(folder: string, host: string, certificate: Certificate): Promise<string> {
  await must(program('samba-tool'), [
    ...['domain', 'provision', `--targetdir=${folder}`, '--realm=EXAMPLE.ORG', '--domain=EXAMPLE'],
    ...['--server-role=dc', '--dns-backend=NONE', `--adminpass=${admin.password}`, '--host-name=DC1'],
  ]);
  const config = join(folder, 'etc', 'smb.conf');
  const made = await readFile(config, 'utf8');
  const ours = `[global]
  interfaces = ${host}/8
  bind interfaces only = yes
  tls enabled = yes
  tls certfile = ${certificate.cert}
  tls keyfile = ${join(folder, 'tls.key')}
  tls cafile = ${certificate.ca}
  dsdb:schema update allowed = yes
  pid directory = ${folder}
  ncalrpc dir = ${folder}/ncalrpc
  log file = ${folder}/samba.log
`;
  const kept = made.replaceAll(/^\s*(?:log file|server services)\s*=.*$/gm, '');
  await writeFile(config, kept.replace('[global]\n', `${ours}  server services = ldap\n`));
  // Samba wants its key to be nobody else's.
  await writeFile(join(folder, 'tls.key'), await readFile(certificate.key), { mode: 0o600 });
  return config;
}
