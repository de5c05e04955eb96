/**
 * config/sample - what the example file says where a default cannot say it: a small hybrid installation.
 *
 * In source notation. It names no files, so that the example passes `config check` on any machine.
 */
export const sample = {
  hostname: 'gateway.example.org',
  listeners: [
    { name: 'mx', port: 25 },
    { name: 'from-exchange', port: 2525, relay: { networks: ['10.1.0.0/16'] } },
  ],
  domains: [
    { name: 'example.org', type: 'authoritative' },
    { name: 'lab.example.org', type: 'internalRelay', site: 'onprem' },
  ],
  sites: {
    onprem: {
      nextHops: [
        { host: 'mail1.corp.example.org', priority: 0 },
        { host: 'mail2.corp.example.org', priority: 10 },
      ],
      tls: 'require',
      recognise: { networks: ['10.1.0.0/16'] },
      trusted: true,
      relay: true,
    },
    cloud: {
      nextHops: [{ host: 'example-org.mail.protection.outlook.com' }],
      tls: 'verify',
      routingDomain: 'example.mail.onmicrosoft.com',
      recognise: { certificateNames: ['mail.protection.outlook.com'], ownSendersOnly: true },
    },
  },
  homes: {
    rules: [{ when: { recipient: { memberOf: 'cloud-users@example.org' } }, site: 'cloud' }],
    default: 'onprem',
  },
  rules: [
    {
      name: 'the works council stays at home',
      when: { recipient: { memberOf: 'works-council@example.org' } },
      // biome-ignore lint/suspicious/noThenProperty: the operator's word; nobody awaits it.
      then: { routeTo: 'onprem' },
    },
    {
      name: 'no large mail to the cloud',
      when: { all: [{ size: { over: '100MB' } }, { not: { recipient: { home: 'onprem' } } }] },
      // biome-ignore lint/suspicious/noThenProperty: the operator's word; nobody awaits it.
      then: { reject: '552 5.3.4 At most 100 MB, please' },
    },
  ],
  directory: {
    sources: [{ kind: 'csv', name: 'people', file: '/etc/isthmus/people.csv' }],
    precedence: ['people'],
  },
  postmaster: 'postmaster@example.org',
};
