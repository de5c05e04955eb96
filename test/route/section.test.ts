// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
/** The section of the configuration parses to what the room takes. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { routing } from '../../config/sections/routing.ts';
import { compile } from '../../src/route/compile.ts';
import { lint } from '../../src/route/lint.ts';
import type { RoutingSpec } from '../../src/route/spec.ts';

const text = `
domains:
  - { name: example.org }
  - { name: '*.example.org', type: internalRelay, site: onprem }
sites:
  onprem:
    nextHops: [{ host: 10.0.0.25 }]
    recognise: { networks: [10.0.0.0/8] }
  cloud:
    nextHops: [{ mx: tenant.mail.onmicrosoft.com }]
    tls: verify
    routingDomain: Tenant.mail.onmicrosoft.com
homes:
  rules: [{ when: { recipient: { memberOf: cloud-users@example.org } }, site: cloud }]
  default: onprem
rules:
  - name: legal hold
    when:
      any:
        - recipient: { memberOf: legal@example.org }
        - all: [{ size: { over: 50MB } }, { not: { client: { authenticated: true } } }]
    then: [{ addHeader: { name: X-Legal, value: hold } }, { hold: legal asks }]
  - name: smart host
    when: { direction: outbound }
    then: { routeTo: cloud }
`;

test('a file of an operator becomes rules', () => {
  const parsed: RoutingSpec = routing.parse(parse(text));
  expect(lint(parsed, { hasDirectory: true }).filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(parsed.sites.cloud).toMatchObject({
    routing: 'prefer',
    routingDomain: 'tenant.mail.onmicrosoft.com',
  });
  const compiled = compile(parsed);
  expect(compiled.rules.map(({ name }) => name)).toEqual(['legal hold', 'smart host']);
  expect(compiled.needsGroups).toBe(true);
});

test('everything may be left out', () => {
  const parsed: RoutingSpec = routing.parse({});
  expect(parsed).toMatchObject({ domains: [], sites: {}, rules: [], disabled: 'deliver' });
  expect(compile(parsed).rules).toEqual([]);
});

test.each([
  ['a rule without action', { rules: [{ name: 'x', then: {} }] }],
  ['an unknown key in a condition', { rules: [{ name: 'x', when: { recipent: {} }, then: { hold: 'x' } }] }],
  ['an empty list', { rules: [{ name: 'x', when: { any: [] }, then: { hold: 'x' } }] }],
  ['a success code', { rules: [{ name: 'x', then: { reject: '250 ok' } }] }],
  ['a code at odds with itself', { rules: [{ name: 'x', then: { reject: '550 4.7.1 no' } }] }],
  [
    'a forged header',
    { rules: [{ name: 'x', then: { addHeader: { name: 'X-MS-Exchange-Organization-SCL', value: '-1' } } }] },
  ],
  ['two header lines', { rules: [{ name: 'x', then: { addHeader: { name: 'X', value: 'a\r\nBcc: b' } } }] }],
  ['a size without unit', { rules: [{ name: 'x', when: { size: { over: 5 } }, then: { hold: 'x' } }] }],
  ['a relay domain without site', { domains: [{ name: 'example.org', type: 'internalRelay' }] }],
  ['a site without next hop', { sites: { a: { nextHops: [] } } }],
  ['host and mx', { sites: { a: { nextHops: [{ host: 'a', mx: 'b' }] } } }],
])('%s is refused', (_, value) => {
  expect(routing.safeParse(value).success).toBe(false);
});
