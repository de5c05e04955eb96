/**
 * demo/company - Harbour & Vale, a small company that lives in both lands: every kind of recipient there is.
 */

export interface Ports {
  readonly mx: number;
  readonly admin: number;
  readonly onprem: number;
  readonly cloud: number;
  readonly internet: number;
  readonly imap: number;
  readonly pop3: number;
  readonly sieve: number;
}

/** Whose mailbox is hosted here, and the password that opens it. */
export const hosted = { address: 'hana@example.org', password: 'open sesame' } as const;

/** Columns as connectors/files/csv explains them. `sales@` is claimed twice, as happens; `all@` and `crew@` hold each other. */
export const staff = `address,kind,displayName,home,aliases,target,members,owners,disabled,moderated
ada@example.org,user,Ada Lovelace,onprem,countess@example.org,,,,,
bob@example.org,user,Bob Babbage,cloud,bob@hv.mail.onmicrosoft.example,,,,,
carol@example.org,user,Carol Shaw,cloud,carol@hv.mail.onmicrosoft.example,,,,,
dave@example.org,user,Dave Cutler,onprem,,,,,yes,
eve@example.org,user,Eve Hill (is being moved),onprem,,,,,,
hana@example.org,user,Hana Noether (her mailbox is here),local,,,,,,
fay@example.org,user,Fay Gauss,onprem,sales@example.org,,,,,
info@example.org,shared,Information desk,onprem,,,,,,
atlas@example.org,room,Room Atlas,cloud,atlas@hv.mail.onmicrosoft.example,,,,,
print@example.org,equipment,Plotter,onprem,,,,,,
grace@example.org,contact,Grace of the partner firm,,,grace@partner.example,,,,
sales2@example.org,shared,Sales,cloud,sales@example.org,,,,,
team@example.org,group,Team,,,,ada@example.org bob@example.org grace@example.org,ada@example.org,,
crew@example.org,group,Crew,,,,team@example.org all@example.org,,,
all@example.org,group,Everybody,,,,crew@example.org carol@example.org,,,
board@example.org,group,The board (moderated),,,,ada@example.org,ada@example.org,,yes
`;

export const configFile = (
  ports: Ports,
  folder: string,
): string => `# The demo's configuration. Ask about it: isthmus config check FILE
hostname: gateway.example.org
data: ${folder}/data
log: { level: info, format: json }
admin: { port: ${ports.admin} }
shutdownGrace: 5s
listeners:
  - name: mx
    address: 127.0.0.1
    port: ${ports.mx}
    reverseName: 0s
    relay: { networks: [127.0.0.0/8] }
access:
  listeners:
    - { name: imap, protocol: imap, address: 127.0.0.1, port: ${ports.imap} }
    - { name: pop3, protocol: pop3, address: 127.0.0.1, port: ${ports.pop3} }
    - { name: sieve, protocol: managesieve, address: 127.0.0.1, port: ${ports.sieve} }
# All this is on one machine. Elsewhere passwords go within TLS only.
auth: { withoutTls: [127.0.0.0/8] }
directory:
  sources:
    - { name: staff, kind: csv, file: ${folder}/staff.csv }
domains:
  - { name: example.org, type: authoritative }
  - { name: hv.mail.onmicrosoft.example, type: internalRelay, site: cloud }
postmaster: info@example.org
sites:
  onprem:
    nextHops: [{ host: 127.0.0.1, port: ${ports.onprem} }]
    tls: none
  cloud:
    nextHops: [{ host: 127.0.0.1, port: ${ports.cloud} }]
    tls: none
    routingDomain: hv.mail.onmicrosoft.example
    routing: prefer
  local:
    nextHops: [{ protocol: local }]
  internet:
    nextHops: [{ host: 127.0.0.1, port: ${ports.internet} }]
    tls: none
rules:
  - name: no-gambling
    when: { sender: { domain: casino.example } }
    then: { reject: 550 5.7.1 Not from there }
  - name: hold-for-legal
    when: { header: { name: x-legal, present: true } }
    then: { hold: the legal department looks first }
  - name: eve-is-being-moved
    when: { recipient: { address: eve@example.org } }
    then: { deliverAlso: cloud }
  - name: journal-the-desk
    when: { recipient: { address: info@example.org } }
    then: { journalTo: { address: journal@archive.example, site: onprem } }
  - name: the-rest-of-the-world
    when: { direction: outbound }
    then: { routeTo: internet }
`;
