// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
/** What strangers may try: relaying through a site that trusts us, restricted groups, rules walked around. */
import { describe, expect, test } from 'vitest';
import {
  clientOf,
  decide,
  fromCloud,
  fromOnprem,
  known,
  loggedIn,
  MemoryDirectory,
  question,
  router,
  spec,
  tenant,
  told,
} from './company.ts';

const signal = new AbortController().signal;
const denied = 'refuse 550 5.7.1 Relaying denied';

describe('routes in local parts', () => {
  test.each([
    ['percent', 'victim%elsewhere.example@shared.example.org'],
    ['bang', 'elsewhere.example!victim@shared.example.org'],
    ['at sign', '"victim@elsewhere.example"@shared.example.org'],
    ['behind a detail', 'ada+%elsewhere.example@example.org'],
    ['in a routing domain', `alan%elsewhere.example@${tenant}`],
    ['for somebody else', 'victim%elsewhere.example@friend.example'],
    ['in a catch-all', 'victim%elsewhere.example@catch.example.org'],
  ])('a stranger may not write one: %s', async (_, to) => {
    expect(told(await decide(to))).toBe(denied);
    expect(told(await decide(to, { headers: undefined } as never))).toBe(denied);
  });

  test('nor a site that may not relay', async () => {
    expect(told(await decide('victim%elsewhere.example@shared.example.org', { client: fromCloud }))).toBe(
      denied,
    );
  });

  test('whoever may relay may', async () => {
    expect(told(await decide('a%b@shared.example.org', { client: loggedIn }))).toBe(
      'site:onprem a%b@shared.example.org',
    );
    const relay = clientOf({ mayRelay: true });
    expect(told(await decide('a%b@shared.example.org', { client: relay }))).toBe(
      'site:onprem a%b@shared.example.org',
    );
  });

  test('an address that the directory has in full is no route', async () => {
    const directory = new MemoryDirectory([known(['50%off@example.org'], { home: 'onprem' })]);
    const decision = await router(spec(), directory).route(question('50%off@example.org'), signal);
    expect(told(decision)).toBe('site:onprem 50%off@example.org');
  });
});

describe('groups for our own people', () => {
  const refused = 'refuse 550 5.7.1 This group takes mail from authenticated senders only';
  const insider = { sender: question('ada@example.org').recipient };

  test('the Internet behind a site is not one of us', async () => {
    expect(told(await decide('staff@example.org', { client: fromOnprem }))).toBe(refused);
    expect(told(await decide('staff@example.org', { client: fromOnprem, sender: null }))).toBe(refused);
  });

  test('our people behind it are, and so is who logged in', async () => {
    expect((await decide('staff@example.org', { client: fromOnprem, ...insider })).verdict).toBe('expand');
    expect((await decide('staff@example.org', { client: loggedIn })).verdict).toBe('expand');
  });

  test('nobody is by a sender address alone', async () => {
    expect(told(await decide('staff@example.org', insider))).toBe(refused);
  });
});

describe('details', () => {
  const rules = [
    {
      name: 'legal',
      when: { recipient: { address: 'ada@example.org' } },
      then: { hold: 'legal asks' },
    },
  ] as const;

  test('do not lead around a rule for the address', async () => {
    expect(told(await decide('ada@example.org', {}, spec({ rules })))).toBe('hold legal asks');
    expect(told(await decide('Ada+x@example.org', {}, spec({ rules })))).toBe('hold legal asks');
  });

  test('nor around one in a list or with a star', async () => {
    const address = ['grace@example.org', 'ada@example.org'];
    for (const recipient of [{ address }, { address: 'ad*a@example.org' }]) {
      const routing = spec({ rules: [{ name: 'r', when: { recipient }, then: { hold: 'r' } }] });
      expect(told(await decide('ada+x@example.org', {}, routing))).toBe('hold r');
    }
  });

  test('an alias that looks like a detail is never mistaken for the name before it', async () => {
    const addresses = ['ada@example.org', 'ada+news@example.org'];
    const directory = new MemoryDirectory([known(addresses, { home: 'cloud' })]);
    const decision = await router(spec(), directory).route(question('ada+newsletter@example.org'), signal);
    expect(told(decision)).toBe(`site:cloud ada+newsletter@${tenant}`);
  });
});

describe('journals', () => {
  const rules = [
    { name: 'all', then: { journalTo: { address: 'j@record.example', site: 'onprem' } } },
  ] as const;

  test('also record what came from the site where they are', async () => {
    const decision = await decide('alan@example.org', { client: fromOnprem }, spec({ rules }));
    expect(told(decision)).toBe(`site:cloud alan@${tenant}, journal site:onprem j@record.example`);
  });

  test('do not record themselves', async () => {
    const client = clientOf({ ip: '10.1.2.3', site: 'onprem', mayRelay: true });
    const decision = await decide('j@record.example', { client }, spec({ rules }));
    expect(told(decision)).toBe('mx:record.example j@record.example');
  });

  test('that cannot be had without a loop hold the message', async () => {
    const seen = { client: fromCloud, sitesSeen: ['onprem', 'onprem'] };
    const routing = spec({ rules: [...rules, { name: 'out', then: { routeTo: 'cloud' } }] });
    const sites = { ...routing.sites, cloud: { ...routing.sites.cloud!, hairpin: true } };
    expect(told(await decide('alan@example.org', seen, { ...routing, sites }))).toMatch(
      /^hold journal j@record.example: loop/,
    );
  });
});

describe('what rules add to a group', () => {
  const rules = [
    {
      name: 'record',
      when: { recipient: { address: 'all@example.org' } },
      then: [{ journalTo: { address: 'j@record.example' } }, { deliverAlso: 'cloud' }],
    },
  ] as const;

  test('its journal and additional copies go beside the expansion', async () => {
    const decision = await decide('all@example.org', {}, spec({ rules }));
    expect(decision).toMatchObject({
      verdict: 'expand',
      copies: [
        { purpose: 'dual', nextHop: { kind: 'site', site: 'cloud' }, recipient: { text: 'all@example.org' } },
        { purpose: 'journal', nextHop: { kind: 'mx', domain: 'record.example' } },
      ],
    });
  });

  test('a journal that cannot be had holds it', async () => {
    const then = { journalTo: { address: 'nobody@example.org' } };
    const decision = await decide('all@example.org', {}, spec({ rules: [{ name: 'r', then }] }));
    expect(told(decision)).toBe('hold journal nobody@example.org: nobody has this address');
  });

  test('without such rules there are none', async () => {
    expect(await decide('all@example.org')).not.toHaveProperty('copies');
  });
});

describe('postmaster', () => {
  const outside = spec({
    postmaster: 'admin@partner.example',
    rules: [
      { name: 'record', then: { journalTo: { address: 'j@record.example' } } },
      { name: 'closed', when: { direction: 'inbound' }, then: { reject: '550 5.7.1 Closed' } },
      { name: 'smart host', when: { direction: 'outbound' }, then: { routeTo: 'cloud' } },
    ],
  });

  test.each(['postmaster@example.org', 'postmaster'])(
    '%s goes the way of all mail, and is refused by no rule',
    async (to) => {
      expect(told(await decide(to, {}, outside))).toBe(
        'site:cloud admin@partner.example, journal mx:record.example j@record.example',
      );
    },
  );

  test('nor is it held, or led elsewhere', async () => {
    for (const then of [{ hold: 'x' }, { redirect: 'ada@example.org' }]) {
      const rules = [{ name: 'r', then }];
      expect(told(await decide('postmaster@example.org', {}, spec({ rules })))).toBe(
        `site:cloud grace.h@${tenant}`,
      );
    }
  });
});
