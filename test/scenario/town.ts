/**
 * scenario/town - a small organisation with people in two places, as every scenario uses it.
 *
 * Postfix at home, Postfix as the cloud's border (TLS required, our client certificate and no other), OpenLDAP that
 * knows who is where, and Isthmus between them.
 */

import { type Gateway, listener, startGateway } from '../fixture/gateway.ts';
import { type Certificate, certificate, fingerprint } from '../fixture/tls.ts';
import { until } from '../peers/command.ts';
import { type Openldap, openldapPackages, reader, startOpenldap } from '../peers/openldap.ts';
import { freePort, type Postfix, startPostfix } from '../peers/postfix.ts';

export const townPackages = ['postfix', 'swaks', 'libnet-ssleay-perl', ...openldapPackages] as const;

/** Who lives where. `nowhere` is in no entry; `full` is an on-prem mailbox that refuses. */
const people = [
  { uid: 'ada', host: 'onprem' },
  { uid: 'full', host: 'onprem' },
  { uid: 'bob', host: 'cloud' },
  { uid: 'cy', host: 'cloud' },
] as const;

const person = ({ uid, host }: { uid: string; host: string }) => `dn: uid=${uid},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: inetLocalMailRecipient
objectClass: testPerson
uid: ${uid}
cn: ${uid}
sn: Example
mail: ${uid}@example.org
mailLocalAddress: ${uid}.alias@example.org
mailHost: ${host}.test

`;

/** A group with a member in each place. */
const team = `dn: cn=team,ou=groups,dc=example,dc=org
objectClass: groupOfNames
objectClass: testPerson
cn: team
mail: team@example.org
member: uid=ada,ou=people,dc=example,dc=org
member: uid=bob,ou=people,dc=example,dc=org

`;

export const moved = (uid: string, host: string): string => `dn: uid=${uid},ou=people,dc=example,dc=org
changetype: modify
replace: mailHost
mailHost: ${host}.test
`;

export interface Town {
  readonly port: number;
  readonly gateway: Gateway;
  readonly onprem: Postfix;
  readonly cloud: Postfix;
  readonly ldap: Openldap;
  /** The configuration's keys, for a second node. */
  readonly config: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

export async function foundTown(): Promise<Town> {
  const [server, client, ldapServer] = [
    await certificate(['cloud.test']),
    await certificate(['gateway.test']),
    await certificate(['ldap.test', 'localhost']),
  ];
  const [onprem, cloud, ldap] = await Promise.all([
    startPostfix({
      hostname: 'onprem.test',
      domains: ['example.org'],
      answers: { 'full@example.org': '552 5.2.2 Mailbox full for good' },
    }),
    startPostfix({
      hostname: 'cloud.test',
      domains: ['tenant.test', 'example.org'],
      tls: {
        certificate: server,
        require: true,
        clients: { ca: server.ca, fingerprints: [await fingerprint(client)] },
      },
    }),
    startOpenldap(ldapServer, people.map(person).join('') + team),
  ]);
  const port = await freePort();
  const config = townConfig({ port, onprem, cloud, ldap, client });
  const gateway = await startGateway({ config, env: { LDAP_PASSWORD: reader.password } });
  const close = async () => {
    await gateway.remove();
    await Promise.all([onprem.remove(), cloud.remove(), ldap.remove()]);
  };
  await directoryRead(gateway).catch(async (error: Error) => {
    await close();
    throw error;
  });
  return { port, gateway, onprem, cloud, ldap, config, close };
}

/** Before, everybody would be told to come again (451 4.4.3). */
const directoryRead = (gateway: Gateway): Promise<unknown> =>
  until('the first read of the directory', async () => {
    const sources = await gateway.json<readonly { readonly goodAt?: string }[]>('directory', 'status');
    return sources.length === 1 && sources.every(({ goodAt }) => goodAt !== undefined);
  });

function townConfig(parts: {
  readonly port: number;
  readonly onprem: Postfix;
  readonly cloud: Postfix;
  readonly ldap: Openldap;
  readonly client: Certificate;
}): Readonly<Record<string, unknown>> {
  const { port, onprem, cloud, ldap, client } = parts;
  return {
    domains: [{ name: 'example.org', type: 'authoritative' }],
    postmaster: 'ada@example.org',
    sites: {
      onprem: {
        nextHops: [{ host: '127.0.0.1', port: onprem.port }],
        tls: 'none',
        recognise: { networks: ['127.0.0.2/32'] },
      },
      cloud: {
        nextHops: [{ host: '127.0.0.1', port: cloud.port }],
        tls: 'verify',
        tlsName: 'cloud.test',
        ca: client.ca,
        clientCertificate: { cert: client.cert, key: client.key },
        routingDomain: 'tenant.test',
      },
    },
    listeners: [listener('mx', port, { relay: { networks: [] } })],
    directory: {
      refreshEvery: '1s',
      sources: [
        {
          kind: 'ldap',
          name: 'openldap',
          servers: [ldap.url],
          preset: 'openldap',
          tls: { ca: client.ca, serverName: 'ldap.test' },
          bind: { method: 'simple', dn: reader.dn, password: `\${env:LDAP_PASSWORD}` },
          bases: [ldap.base],
          homes: { values: { 'onprem.test': 'onprem', 'cloud.test': 'cloud' } },
        },
      ],
    },
  };
}
