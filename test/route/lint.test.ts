// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
import { describe, expect, test } from 'vitest';
import { lint } from '../../src/route/lint.ts';
import type { Condition, RoutingSpec, RuleSpec } from '../../src/route/spec.ts';
import { site, spec } from './company.ts';

const context = { hasDirectory: true };
const problems = (routing: RoutingSpec, severity = 'error') =>
  lint(routing, context)
    .filter((one) => one.severity === severity)
    .map(({ path, text }) => `${path}: ${text}`);

const rule = (name: string, when: Condition | undefined, rest: Partial<RuleSpec> = {}): RuleSpec => ({
  name,
  ...(when === undefined ? {} : { when }),
  then: { routeTo: 'cloud' },
  ...rest,
});
const rules = (...list: readonly RuleSpec[]) => problems(spec({ rules: list }));

test('a configuration in order has no problem', () => {
  expect(problems(spec())).toEqual([]);
  expect(
    rules(
      rule('a', { recipient: { domain: 'example.org' }, direction: 'internal' }),
      rule('b', { recipient: { domain: 'example.org' }, direction: 'inbound' }),
      rule('c', { recipient: { domain: 'example.org' } }),
      rule('d', undefined),
    ),
  ).toEqual([]);
});

describe('never reached', () => {
  const org = { recipient: { domain: 'example.org' } } as const;
  test.each<[string, Condition | undefined, Condition | undefined]>([
    ['the same', org, org],
    ['after always', undefined, org],
    ['a pattern in the domain', org, { recipient: { address: 'a*@example.org' } }],
    [
      'an address of the list',
      { recipient: { address: ['ada@example.org', 'alan@example.org'] } },
      { recipient: { address: 'alan@example.org' } },
    ],
    [
      'a narrower pattern',
      { recipient: { address: 'a*@*.org' } },
      { recipient: { address: 'ad*@example.org' } },
    ],
    ['a subdomain', { recipient: { domain: '*.org' } }, org],
    ['one condition more', org, { ...org, direction: 'inbound' }],
    ['one of the list', { recipient: { kind: ['room', 'user'] } }, { recipient: { kind: 'user' } }],
    ['a smaller network', { client: { network: '10.0.0.0/8' } }, { client: { network: ['10.1.0.0/16'] } }],
    ['a larger size', { size: { over: 10 } }, { size: { over: 20 } }],
    ['not this, and that', { not: { client: { site: 'cloud' } } }, { client: { site: 'onprem' } }],
    [
      'a part of the value',
      { header: { name: 'X', contains: 'a' } },
      { header: { name: 'x', equals: 'cat' } },
    ],
    [
      'a value is a presence',
      { header: { name: 'X', present: true } },
      { header: { name: 'X', equals: 'a' } },
    ],
    ['a group member is known', { recipient: { known: true } }, { recipient: { memberOf: 'x@example.org' } }],
    ['an account is a login', { client: { authenticated: true } }, { client: { account: 'ada' } }],
  ])('%s', (_, first, second) => {
    expect(rules(rule('first', first), rule('second', second))).toEqual([
      'rules[1].when: is never reached: rules[0] ("first") decides first whenever this is true',
    ]);
  });

  test('two rules together may leave nothing', () => {
    const found = rules(
      rule('in', { direction: 'inbound' }),
      rule('unrelated', { size: { over: 5 } }),
      rule('rest', { direction: ['outbound', 'internal'] }),
      rule('never', { recipient: { home: 'cloud' } }),
    );
    expect(found).toEqual([
      'rules[3].when: is never reached: rules[0] ("in") and rules[2] ("rest") decide first whenever this is true',
    ]);
  });

  test('a rule that only adds takes nothing from others; one that stops does', () => {
    const then = { deliverAlso: 'cloud' };
    expect(rules(rule('adds', undefined, { then }), rule('next', undefined))).toEqual([]);
    expect(rules(rule('adds', undefined, { then, stop: true }), rule('next', undefined))).toHaveLength(1);
  });

  test('a rule for strangers is reached past one that is not', () => {
    expect(rules(rule('all', undefined), rule('strangers', undefined, { strangers: true }))).toEqual([]);
    expect(rules(rule('all', undefined, { strangers: true }), rule('known', undefined))).toHaveLength(1);
  });

  test('a thousand rules are judged in bounded time, and nothing false is said', () => {
    const many = Array.from({ length: 1000 }, (_, n) =>
      rule(`r${n}`, {
        any: [
          { recipient: { address: `a${n}@example.org` }, size: { over: n } },
          { not: { header: { name: `X-${n}`, contains: 'x' } }, sender: { domain: `d${n}.example` } },
        ],
      }),
    );
    expect(
      rules(...many, rule('again', { recipient: { address: 'a7@example.org' }, size: { over: 7 } })),
    ).toEqual(['rules[1000].when: is never reached: rules[7] ("r7") decides first whenever this is true']);
  });
});

describe('never true', () => {
  test.each<[string, Condition]>([
    [
      'two domains',
      { all: [{ recipient: { domain: 'a.example' } }, { recipient: { domain: 'b.example' } }] },
    ],
    ['this and not this', { all: [{ direction: 'inbound' }, { not: { direction: 'inbound' } }] }],
    ['a pattern outside the domain', { recipient: { address: 'a*@a.example', domain: 'b.example' } }],
    [
      'an address and not the same',
      { recipient: { address: 'ada@a.example' }, not: { recipient: { address: 'Ada@a.example' } } },
    ],
    [
      'two networks',
      { all: [{ client: { network: '10.0.0.0/8' } }, { client: { network: '2001:db8::/32' } }] },
    ],
    ['no size', { size: { over: 10, under: 11 } }],
    ['neither over nor under', { not: { any: [{ size: { over: 5 } }, { size: { under: 6 } }] } }],
    ['a report with a domain', { sender: { empty: true, domain: 'example.org' } }],
    ['no direction left', { not: { direction: ['inbound', 'outbound', 'internal'] } }],
    ['a certificate in the clear', { client: { tls: 'none', certificateName: 'x' } }],
    ['an unknown room', { recipient: { known: false, kind: 'room' } }],
  ])('%s', (_, when) => {
    expect(rules(rule('r', when))).toEqual([
      'rules[0].when: can never be true: its conditions contradict each other',
    ]);
  });
});

test('who has one address may have another: neither are rules for both contradictory, nor one left unreached', () => {
  const ada = { recipient: { address: 'ada@example.org' } } as const;
  const detail = { recipient: { address: 'ada+*@example.org' } } as const;
  for (const other of [
    { recipient: { address: 'countess@example.org' } },
    { recipient: { address: 'ada@*' } },
    { recipient: { address: 'countess@*' } },
    { recipient: { domain: 'example.org' } },
    { recipient: { domain: 'shared.example.org' } },
  ]) {
    expect(rules(rule('both', { all: [ada, other] }))).toEqual([]);
    expect(rules(rule('not the other', { all: [ada, { not: other }] }))).toEqual([]);
    expect(rules(rule('first', other), rule('second', ada))).toEqual([]);
  }
  // ada+x@ as it is written, and without its detail.
  expect(rules(rule('detail', { all: [detail, { recipient: { address: 'ada@*' } }] }))).toEqual([]);
});

describe('mistakes', () => {
  const { onprem, cloud } = spec().sites;
  if (onprem === undefined || cloud === undefined) throw new Error('the company has two sites');
  test.each<[string, RoutingSpec, string]>([
    [
      'two rules of one name',
      spec({ rules: [rule('a', { direction: 'inbound' }), rule('a', undefined)] }),
      'rules[1].name: rules[0] has the same name, "a"',
    ],
    [
      'a site that is not there',
      spec({ rules: [rule('a', undefined, { then: { routeTo: 'mars' } })] }),
      'rules[0].then.routeTo: there is no site mars; there are onprem, cloud',
    ],
    [
      'a site in a condition',
      spec({ rules: [rule('a', { any: [{ client: { site: 'mars' } }] })] }),
      'rules[0].when.any[0].client.site: there is no site mars; there are onprem, cloud',
    ],
    [
      'a home that is not there',
      spec({ homes: { rules: [], byKind: { room: 'mars' } } }),
      'homes.byKind.room: there is no site mars; there are onprem, cloud',
    ],
    [
      'two that decide',
      spec({ rules: [rule('a', undefined, { then: [{ routeTo: 'cloud' }, { hold: 'x' }] })] }),
      'rules[0].then: only one action of a rule may decide, here are routeTo and hold',
    ],
    ['no action', spec({ rules: [rule('a', undefined, { then: [] })] }), 'rules[0].then: expected an action'],
    [
      'a reply that is none',
      spec({ rules: [rule('a', undefined, { then: { reject: 'go away' } })] }),
      'rules[0].then.reject: expected a reply such as "550 5.7.1 Not here", found "go away"',
    ],
    [
      'a broken pattern',
      spec({ rules: [rule('a', { recipient: { address: 'ada' } })] }),
      'rules[0].when: expected a mail address, found "ada"',
    ],
    [
      'a forged header',
      spec({
        rules: [
          rule('a', undefined, {
            then: { addHeader: { name: 'X-MS-Exchange-Organization-AuthAs', value: 'Internal' } },
          }),
        ],
      }),
      "rules[0].then.addHeader.name: one of Exchange's internal header fields, which are never forged",
    ],
    [
      'an empty any',
      spec({ rules: [rule('a', { any: [] })] }),
      'rules[0].when.any: is empty: it is never true',
    ],
    [
      'a site without next hop',
      spec({ sites: { onprem: { ...onprem, nextHops: [] }, cloud } }),
      'sites.onprem.nextHops: site onprem has no next hop',
    ],
    [
      'transparent but not trusted',
      spec({ sites: { onprem: { ...onprem, transparent: true }, cloud } }),
      'sites.onprem.transparent: a transparent site must be trusted too',
    ],
    [
      'two sites with one routing domain',
      spec({ sites: { onprem: { ...cloud }, cloud } }),
      'sites.cloud.routingDomain: site onprem has the same routing domain',
    ],
    [
      'require without domain',
      spec({ sites: { onprem: { ...onprem, routing: 'require' }, cloud } }),
      'sites.onprem.routing: require needs a routingDomain',
    ],
    [
      'internalRelay to nowhere',
      spec({ domains: [{ name: 'a.example', type: 'internalRelay' }] }),
      'domains[0].site: expected a site: internalRelay sends unknown recipients there',
    ],
    [
      'a domain twice',
      spec({
        domains: [
          { name: 'a.example', type: 'externalRelay' },
          { name: 'A.example', type: 'authoritative' },
        ],
      }),
      'domains[1].name: domains[0] is A.example already',
    ],
    [
      'a home that depends on the sender',
      spec({ homes: { rules: [{ when: { sender: { known: true } }, site: 'cloud' }], byKind: {} } }),
      'homes.rules[0].when: a home depends on the recipient only, not on known',
    ],
    [
      'a home that depends on the home',
      spec({ homes: { rules: [{ when: { recipient: { home: 'cloud' } }, site: 'cloud' }], byKind: {} } }),
      'homes.rules[0].when: a home depends on the recipient only, not on home',
    ],
  ])('%s', (_, routing, problem) => {
    expect(problems(routing)).toContain(problem);
  });

  test('an authoritative domain without any directory refuses everybody', () => {
    const routing = spec({ domains: [{ name: 'a.example', type: 'authoritative' }] });
    expect(lint(routing, { hasDirectory: false })).toContainEqual({
      path: 'domains[0].type',
      text: 'there is no directory: every recipient of a.example would be refused as unknown',
      severity: 'error',
    });
  });

  test('a shared domain whose other side is not recognised is warned of', () => {
    const routing = spec({
      domains: [{ name: 'a.example', type: 'internalRelay', site: 'onprem' }],
      sites: { onprem: site(), cloud },
    });
    expect(problems(routing, 'warning').join()).toContain('sites.onprem.recognise is empty');
  });

  test('networks of two sites that overlap are warned of', () => {
    const near = site({ recognise: { networks: ['10.1.0.0/16'], certificateNames: [] } });
    const routing = spec({ sites: { onprem, cloud: near } });
    expect(problems(routing, 'warning')).toContain(
      'sites.cloud.recognise.networks[0]: overlaps 10.0.0.0/8 of site onprem, which is asked first',
    );
  });
});

test('a certificate name that all customers of a cloud show asks for ownSendersOnly', () => {
  const recognise = { networks: [], certificateNames: ['mail.protection.outlook.com'] };
  const lintedWith = (ownSendersOnly: boolean) =>
    lint(spec({ sites: { ...spec().sites, cloud: site({ recognise: { ...recognise, ownSendersOnly } }) } }), {
      hasDirectory: true,
    }).filter(({ text }) => text.includes('ownSendersOnly'));
  expect(lintedWith(false)).toMatchObject([
    { path: 'sites.cloud.recognise.certificateNames[0]', severity: 'warning' },
  ]);
  expect(lintedWith(true)).toEqual([]);
});
