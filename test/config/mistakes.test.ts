/**
 * What operators get wrong in the sections of mail, and what they are told.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import { printProblem } from '../../config/problem.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = `hostname: gw.example.org
sites:
  onprem: { nextHops: [{ host: mail.corp.example.org }] }
  cloud: { nextHops: [{ mx: tenant.example.com }] }
`;
const after = good.split('\n').length;

const tell = (text: string): readonly string[] => {
  const result = parseConfig(good + text, {
    file: 'f',
    folder,
    environment: { PASSWORD: 'hunter2hunter2' },
    now: new Date('2026-11-25T00:00:00Z'),
  });
  return result.ok ? [] : result.problems.map(printProblem).map((line) => line.replaceAll(folder, '/here'));
};

/** The line counts from the first one of `text`. */
test.each<[name: string, text: string, place: [line: number, column: number], said: string]>([
  [
    'a mistyped type of domain',
    'domains: [{ name: example.org, type: authorative }]',
    [1, 38],
    'domains[0].type: expected one of authoritative|internalRelay|externalRelay, found "authorative". Did you mean "authoritative"?',
  ],
  [
    'a domain that is none',
    'domains:\n  - name: exa mple.org',
    [2, 11],
    'domains[0].name: expected a domain such as example.org, or *.example.org for its subdomains, found "exa mple.org"',
  ],
  [
    'a domain without its dash',
    'domains:\n  name: example.org',
    [2, 3],
    'domains: expected a list, found a map of keys',
  ],
  [
    'a domain whose site does not exist',
    'domains:\n  - { name: example.org, site: onprm }',
    [2, 32],
    'domains[0].site: no site is called "onprm"; there are onprem, cloud. Did you mean "onprem"?',
  ],
  [
    'a domain given twice',
    'domains:\n  - name: example.org\n  - name: Example.org',
    [3, 11],
    'domains[1].name: a second domain with this name; the first is domains[0].name',
  ],
  [
    'a home that does not exist',
    'homes:\n  default: elsewhere',
    [2, 12],
    'homes.default: no site is called "elsewhere"; there are onprem, cloud',
  ],
  [
    'an unknown kind of entry',
    'homes:\n  byKind: { users: cloud }',
    [2, 13],
    'homes.byKind.users: unknown key. Did you mean "user"?',
  ],
  [
    'a rule without a name',
    'rules:\n  - then: { hold: later }',
    [2, 5],
    'rules[0].name: expected text, found nothing: the key is required',
  ],
  [
    'a rule to a site that does not exist',
    'rules:\n  - name: a\n    then: { routeTo: clod }',
    [3, 22],
    'rules[0].then.routeTo: no site is called "clod"; there are onprem, cloud. Did you mean "cloud"?',
  ],
  [
    'the same in a list of actions',
    'rules:\n  - name: a\n    then:\n      - { deliverAlso: onprem }\n      - { routeTo: clod }',
    [5, 20],
    'rules[0].then[1].routeTo: no site is called "clod"; there are onprem, cloud. Did you mean "cloud"?',
  ],
  [
    'a site deep in a condition',
    'rules:\n  - name: a\n    when: { all: [{ not: { recipient: { home: [cloud, onprm] } } }] }\n    then: { hold: x }',
    [3, 55],
    'rules[0].when.all[0].not.recipient.home[1]: no site is called "onprm"; there are onprem, cloud. Did you mean "onprem"?',
  ],
  [
    'a mistyped action',
    'rules:\n  - name: a\n    then: { rejct: 550 5.7.1 no }',
    [3, 13],
    'rules[0].then.rejct: unknown key. Did you mean "reject"?',
  ],
  [
    'a mistyped condition',
    'rules:\n  - name: a\n    when: { sendr: { empty: true } }\n    then: { hold: x }',
    [3, 13],
    'rules[0].when.sendr: unknown key. Did you mean "sender"?',
  ],
  [
    'a mistyped key deep in a condition',
    'rules:\n  - name: a\n    when: { any: [{ recipient: { memberof: staff } }] }\n    then: { hold: x }',
    [3, 34],
    'rules[0].when.any[0].recipient.memberof: unknown key. Did you mean "memberOf"?',
  ],
  [
    'a condition of the wrong type',
    'rules:\n  - name: a\n    when: { recipient: ada@example.org }\n    then: { hold: x }',
    [3, 24],
    'rules[0].when.recipient: expected a map of keys, found "ada@example.org"',
  ],
  [
    'a truth value of YAML 1.1',
    'rules:\n  - name: a\n    when: { sender: { empty: yes } }\n    then: { hold: x }',
    [3, 30],
    'rules[0].when.sender.empty: expected true or false, found "yes". Did you mean true?',
  ],
  [
    'two rules of one name',
    'rules:\n  - { name: a, then: { hold: x } }\n  - { name: a, then: { hold: x } }',
    [3, 13],
    'rules[1].name: a second rule with this name; the first is rules[0].name',
  ],
  [
    'INBOX for newcomers, who have it anyway',
    'store:\n  newcomers:\n    - { name: Inbox }',
    [3, 15],
    'store.newcomers[0].name: expected the name of a mailbox other than INBOX, levels parted by "/", without "%" and "*", found "Inbox"',
  ],
  [
    'one use of two mailboxes for newcomers',
    'store:\n  newcomers: [{ name: Sent, use: Sent }, { name: Gesendet, use: Sent }]',
    [2, 14],
    'store.newcomers: two of these mailboxes have the same name or the same use',
  ],
  [
    'a listener that no rule can mean',
    'rules:\n  - name: a\n    when: { client: { listener: mxx } }\n    then: { hold: x }',
    [3, 33],
    'rules[0].when.client.listener: no listener is called "mxx"; there are mx. Did you mean "mx"?',
  ],
  [
    'two listeners of one name',
    'listeners:\n  - port: 25\n  - port: 26',
    [3, 5],
    'listeners[1].name: a second listener called "mx"; the first is listeners[0]',
  ],
  [
    'two listeners on one port',
    'listeners:\n  - { name: a, address: "::", port: 26 }\n  - { name: b, address: 127.0.0.1, port: 26 }',
    [3, 36],
    'listeners[1].port: port 26 of 127.0.0.1 is taken by listeners[0]',
  ],
  [
    'TLS without a certificate',
    'listeners:\n  - tls:\n      mode: required',
    [2, 5],
    'listeners[0].tls.certificates: expected a certificate, since tls.mode is required',
  ],
  [
    'a directory source that is not there',
    'directory:\n  precedence: [hr]\n  sources: [{ kind: csv, name: hrm, file: /a.csv }]',
    [2, 16],
    'directory.precedence[0]: no directory source is called "hr"; there are hrm. Did you mean "hrm"?',
  ],
  [
    'a source without its kind',
    'directory:\n  sources:\n    - name: a\n      file: /a.csv',
    [3, 7],
    'directory.sources[0].kind: expected one of ldap|ldif|csv|accounts, found nothing: the key is required',
  ],
  [
    'a separator that is none',
    'directory:\n  sources: [{ kind: csv, name: a, file: /a.csv, separator: "|" }]',
    [2, 60],
    'directory.sources[0].separator: expected one of ","|";"|"\\t", found "|"',
  ],
  [
    'a server of another protocol',
    'directory:\n  sources:\n    - { kind: ldap, name: a, preset: openldap, bind: { method: anonymous }, servers: ["http://a"] }',
    [3, 87],
    'directory.sources[0].servers[0]: expected a URL such as ldaps://dc1.example.org or ldap://dc2.example.org:389, found "http://a"',
  ],
  [
    'an unknown kind of blobs',
    'blobs: { kind: s4 }',
    [1, 16],
    'blobs.kind: expected one of files|s3, found "s4". Did you mean "s3"?',
  ],
])('%s', (_name, text, [line, column], said) => {
  expect(tell(`${text}\n`)).toEqual([`f:${after + line - 1}:${column}: ${said}`]);
});

const site = (keys: string): string => `hostname: gw.example.org\nsites:\n  a:\n    ${keys}\n`;

test.each<[name: string, text: string, ...said: string[]]>([
  [
    'a site without next hops',
    site('tls: verify'),
    'f:3:3: sites.a.nextHops: expected a list, found nothing: the key is required',
  ],
  [
    'a site without anything',
    'hostname: gw.example.org\nsites:\n  a:\n',
    'f:3:5: sites.a: expected a map of keys, found nothing',
  ],
  [
    'no next hop in the list',
    site('nextHops: []'),
    'f:4:15: sites.a.nextHops: expected a list of at least 1 item, found an empty list',
  ],
  [
    'a TLS policy that is none',
    site('{ nextHops: [{ host: a }], tls: required }'),
    'f:4:37: sites.a.tls: expected one of none|opportunistic|require|verify, found "required". Did you mean "require"?',
  ],
  [
    'a mistyped key in a site',
    site('{ nextHop: [{ host: a }] }'),
    'f:4:7: sites.a.nextHop: unknown key. Did you mean "nextHops"?',
  ],
  [
    'host and mx together',
    site('nextHops: [{ host: a, mx: b.example }]'),
    'f:4:16: sites.a.nextHops[0]: expected either host or mx',
  ],
  [
    'certificate files that are not there',
    site('{ nextHops: [{ host: a }], clientCertificate: { cert: c.pem, key: /none/k.pem } }'),
    'f:4:59: sites.a.clientCertificate.cert: expected a file that can be read: /here/c.pem: no such file',
    'f:4:71: sites.a.clientCertificate.key: expected a file that can be read: /none/k.pem: no such file',
  ],
  [
    'a password of the wrong type',
    site('{ nextHops: [{ host: a }], auth: { user: u, password: 12345678 } }'),
    'f:4:59: sites.a.auth.password: expected a secret as text, found a secret (not shown)',
  ],
  [
    'a bad name of a site',
    'hostname: gw.example.org\nsites:\n  "a b": { nextHops: [{ host: a }] }\n',
    'f:3:3: sites["a b"]: expected a name of letters, digits, "-", "_" and ".", beginning with a letter or digit as key, found "a b"',
  ],
])('%s', (_name, text, ...said) => {
  const result = parseConfig(text, { file: 'f', folder, environment: {}, now: new Date() });
  const told = result.ok ? [] : result.problems.map(printProblem);
  expect(told.map((line) => line.replaceAll(folder, '/here'))).toEqual(said);
});

test('an open relay is warned of', () => {
  const text = `${good}listeners:\n  - relay: { networks: [10.0.0.0/8, "::/0"] }\n`;
  const result = parseConfig(text, { file: 'f', folder, environment: {}, now: new Date() });
  expect(result.ok && result.loaded.warnings.map(printProblem)).toEqual([
    'f:6:37: warning: listeners[0].relay.networks[1]: anyone on the Internet may relay to any domain',
  ]);
});

test('the good file that the rows begin with is good', () => {
  expect(tell('')).toEqual([]);
});
