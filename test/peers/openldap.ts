/**
 * peers/openldap - OpenLDAP's slapd as Debian has it, several at once, each with its own folder and ports on 127.0.0.1.
 *
 * The suffix is dc=example,dc=org. Besides the standard schemas it knows the attributes of qmail and Zimbra that the
 * presets read. STARTTLS on one port, LDAPS on the other. Anonymous may read nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../fixture/tls.ts';
import { must, until } from './command.ts';
import { program } from './packages.ts';
import { freePort } from './postfix.ts';

export const openldapPackages = ['slapd', 'ldap-utils', 'openssl'] as const;

export interface Openldap {
  /** `ldap://127.0.0.1:PORT`, with STARTTLS. */
  readonly url: string;
  readonly secureUrl: string;
  readonly base: 'dc=example,dc=org';
  readonly admin: { readonly dn: string; readonly password: string };
  /** Changes by LDIF change records, through the server. */
  modify(ldif: string): Promise<void>;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** kill() and nothing left. */
  remove(): Promise<void>;
}

const admin = { dn: 'cn=admin,dc=example,dc=org', password: 'a secret of the test' } as const;

/** Under OpenLDAP's arc for experiments. */
const ownSchema = `
attributetype ( 1.3.6.1.4.1.4203.666.77.1 NAME 'mailAlternateAddress' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.4203.666.77.2 NAME 'department' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
${[
  'zimbraId',
  'zimbraMailDeliveryAddress',
  'zimbraMailAlias',
  'zimbraMailForwardingAddress',
  'zimbraMailHost',
  'zimbraAccountStatus',
  'zimbraMailStatus',
  'zimbraCalResType',
  'zimbraHideInGal',
  'zimbraPrefMailLocalDeliveryDisabled',
]
  .map(
    (name, n) =>
      `attributetype ( 1.3.6.1.4.1.4203.666.77.${10 + n} NAME '${name}' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`,
  )
  .join('\n')}
objectclass ( 1.3.6.1.4.1.4203.666.77.100 NAME 'testPerson' SUP top AUXILIARY MAY ( mail $ mailAlternateAddress $ department $ owner $ displayName ) )
objectclass ( 1.3.6.1.4.1.4203.666.77.101 NAME 'zimbraAccount' SUP top AUXILIARY MAY ( zimbraId $ mail $ zimbraMailDeliveryAddress $ zimbraMailAlias $ zimbraMailForwardingAddress $ zimbraMailHost $ zimbraAccountStatus $ zimbraHideInGal $ zimbraPrefMailLocalDeliveryDisabled ) )
objectclass ( 1.3.6.1.4.1.4203.666.77.102 NAME 'zimbraDistributionList' SUP top STRUCTURAL MUST uid MAY ( cn $ displayName $ zimbraId $ mail $ zimbraMailAlias $ zimbraMailForwardingAddress $ zimbraMailStatus $ zimbraHideInGal ) )
objectclass ( 1.3.6.1.4.1.4203.666.77.103 NAME 'zimbraCalendarResource' SUP top AUXILIARY MAY zimbraCalResType )
`;

function configuration(folder: string, certificate: Certificate): string {
  const schemas = ['core', 'cosine', 'inetorgperson', 'nis', 'misc', 'dyngroup'];
  return `${schemas.map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
include ${folder}/own.schema
pidfile ${folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${certificate.ca}
TLSCertificateFile ${certificate.cert}
TLSCertificateKeyFile ${certificate.key}
TLSVerifyClient allow
sizelimit 500
database mdb
maxsize 268435456
suffix "dc=example,dc=org"
rootdn "${admin.dn}"
rootpw "${admin.password}"
directory ${folder}/data
dbnosync
access to * by dn.exact="cn=reader,dc=example,dc=org" read by anonymous auth by * none
limits dn.exact="cn=reader,dc=example,dc=org" size.prtotal=unlimited size=500
index objectClass,entryUUID,modifyTimestamp,createTimestamp eq
index mail,uid eq,pres
`;
}

const foundation = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=reader,dc=example,dc=org
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: reader
userPassword: reading

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

`;

/** The account that reads: at most 500 entries in one answer, so that only paging sees all. */
export const reader = { dn: 'cn=reader,dc=example,dc=org', password: 'reading' } as const;

/** `ldif`: entries below ou=people and ou=groups to begin with. */
export async function startOpenldap(certificate: Certificate, ldif = ''): Promise<Openldap> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-slapd-'));
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'own.schema'), ownSchema);
  await writeFile(join(folder, 'slapd.conf'), configuration(folder, certificate));
  await writeFile(join(folder, 'begin.ldif'), foundation + ldif);
  await must(program('slapadd'), [
    ...['-q', '-f', join(folder, 'slapd.conf'), '-l', join(folder, 'begin.ldif')],
  ]);
  const ports = { plain: await freePort(), secure: await freePort() };
  let child: ChildProcess | undefined;
  const peer: Openldap = {
    url: `ldap://127.0.0.1:${ports.plain}`,
    secureUrl: `ldaps://127.0.0.1:${ports.secure}`,
    base: 'dc=example,dc=org',
    admin,
    async modify(change) {
      const login = ['-x', '-H', peer.url, '-D', admin.dn, '-w', admin.password];
      await must(program('ldapmodify'), login, { input: change });
    },
    async start() {
      const urls = `${peer.url} ${peer.secureUrl}`;
      const args = ['-h', urls, '-f', join(folder, 'slapd.conf'), '-d', '0'];
      child = spawn(program('slapd'), args, { stdio: 'ignore' });
      await until('slapd to listen', () => listens(ports.secure), 20_000);
    },
    async kill() {
      const running = child;
      child = undefined;
      if (!running || running.exitCode !== null) return;
      const gone = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await gone;
    },
    async remove() {
      await peer.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await peer.start();
  } catch (error) {
    await peer.remove();
    throw error;
  }
  return peer;
}

export function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
