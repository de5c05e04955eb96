// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
import { describe, expect, test } from 'vitest';
import {
  at,
  clientOf,
  decide,
  fromOnprem,
  known,
  loggedIn,
  MemoryDirectory,
  question,
  router,
  site,
  spec,
  tenant,
  told,
} from './company.ts';

const signal = new AbortController().signal;

describe('who goes where', () => {
  test.each([
    // sentence, recipient, outcome
    ['the directory names the home', 'ada@example.org', 'site:onprem ada@example.org'],
    ['an alias is rewritten to the primary address', 'Countess@Example.org', 'site:onprem ada@example.org'],
    ['the primary address keeps its spelling', 'ADA@EXAMPLE.ORG', 'site:onprem ADA@EXAMPLE.ORG'],
    ['a remote mailbox is at its targetAddress', 'grace@example.org', `site:cloud grace.h@${tenant}`],
    [
      'its routing address is used as it is',
      `Grace.H@${tenant}`.toLowerCase(),
      `site:cloud grace.h@${tenant}`,
    ],
    ['a routing address is made where there is none', 'alan@example.org', `site:cloud alan@${tenant}`],
    ['a detail is kept', 'alan+lists@example.org', `site:cloud alan+lists@${tenant}`],
    ['a detail after an alias is kept', 'countess+lists@example.org', 'site:onprem ada+lists@example.org'],
    ['an override wins over the home', 'moved@example.org', `site:cloud moved@${tenant}`],
    ['an override wins over the targetAddress', 'back@example.org', 'site:onprem back@example.org'],
    ['a rolled back routing address goes home', `back@${tenant}`, 'site:onprem back@example.org'],
    ['no home said: the default home', 'homeless@example.org', 'site:onprem homeless@example.org'],
    ['a home that is no site waits', 'lost@example.org', 'defer 451 4.4.4 No way to the destination'],
    ['a disabled account still has mail', 'gone@example.org', 'site:onprem gone@example.org'],
    ['two entries with one address: wait', 'dual@example.org', 'defer 451 4.1.4 Mailbox ambiguous'],
    ['a contact goes to its target', 'partner@example.org', 'mx:partner.example bob@partner.example'],
    ['a mail user in a relayed domain', 'unix@example.org', 'site:onprem unix@legacy.example.org'],
    ['a target of ours is resolved again', 'inner@example.org', 'site:onprem ada@example.org'],
    ['targets in a circle', 'ping@example.org', 'refuse 554 5.4.6 Mail loop detected'],
    ['a stranger in our domain', 'nobody@example.org', 'refuse 550 5.1.1 Mailbox unknown'],
    ['a stranger with a detail', 'nobody+x@example.org', 'refuse 550 5.1.1 Mailbox unknown'],
    ['a stranger in a subdomain by star', 'nobody@x.dept.example.org', 'refuse 550 5.1.1 Mailbox unknown'],
    ['somebody in a subdomain by star', 'box@x.dept.example.org', `site:cloud box@${tenant}`],
    ['the star does not mean the domain itself', 'box@dept.example.org', 'refuse 550 5.7.1 Relaying denied'],
    ['unknown in a shared domain', 'nobody@shared.example.org', 'site:onprem nobody@shared.example.org'],
    ['unknown in a domain we relay for', 'x@friend.example', 'mx:friend.example x@friend.example'],
    ['a catch-all', 'whoever@catch.example.org', 'site:onprem ada@example.org'],
    ['a foreign domain', 'bob@partner.example', 'refuse 550 5.7.1 Relaying denied'],
    ['postmaster of ours', 'Postmaster@example.org', `site:cloud grace.h@${tenant}`],
    ['postmaster without domain', 'postmaster', `site:cloud grace.h@${tenant}`],
    [
      'postmaster of those we relay for is theirs',
      'postmaster@friend.example',
      'mx:friend.example postmaster@friend.example',
    ],
    ['a group', 'all@example.org', 'expand ad/all@example.org'],
    [
      'a moderated group',
      'careful@example.org',
      "hold group careful@example.org is moderated: needs a moderator's approval",
    ],
    ['a dynamic group', 'dynamic@example.org', 'refuse 550 5.2.4 Group cannot be expanded'],
    [
      'a group for our own people',
      'staff@example.org',
      'refuse 550 5.7.1 This group takes mail from authenticated senders only',
    ],
  ])('%s: %s', async (_, to, outcome) => {
    const decision = await decide(to);
    expect(told(decision)).toBe(outcome);
    expect(decision.because.length).toBeGreaterThan(0);
  });
});

describe('who may ask for it', () => {
  test.each([
    ['a client that logged in may relay', loggedIn, 'mx:partner.example bob@partner.example'],
    ['a relay client too', clientOf({ mayRelay: true }), 'mx:partner.example bob@partner.example'],
    ['what we made ourselves too', clientOf({ protocol: 'local' }), 'mx:partner.example bob@partner.example'],
    ['a site may not, unless it is said', fromOnprem, 'refuse 550 5.7.1 Relaying denied'],
    ['nor may a stranger', clientOf(), 'refuse 550 5.7.1 Relaying denied'],
  ])('%s', async (_, client, outcome) => {
    expect(told(await decide('bob@partner.example', { client }))).toBe(outcome);
  });

  test('a site that may relay', async () => {
    const routing = spec({ sites: { ...spec().sites, onprem: site({ relay: true }) } });
    const decision = await decide('bob@partner.example', { client: fromOnprem }, routing);
    expect(told(decision)).toBe('mx:partner.example bob@partner.example');
  });

  test('no rule opens a relay', async () => {
    const rules = [{ name: 'all', when: {}, then: { routeTo: 'cloud' }, strangers: true }];
    expect(told(await decide('bob@partner.example', {}, spec({ rules })))).toBe(
      'refuse 550 5.7.1 Relaying denied',
    );
  });

  test('a group member elsewhere needs no right to relay', async () => {
    const decision = await decide('bob@partner.example', { expandedFrom: ['ad/all@example.org'] });
    expect(told(decision)).toBe('mx:partner.example bob@partner.example');
  });

  test('a routing domain is ours: known people by anybody, unknown ones only by our own', async () => {
    expect(told(await decide(`alan@${tenant}`))).toBe('refuse 550 5.1.1 Mailbox unknown');
    expect(told(await decide(`alan@${tenant}`, { client: loggedIn }))).toBe(`site:cloud alan@${tenant}`);
    expect(told(await decide(`alan@${tenant}`, { client: fromOnprem }))).toBe(`site:cloud alan@${tenant}`);
  });

  test('a disabled account is refused where the operator wants it so', async () => {
    expect(told(await decide('gone@example.org', {}, spec({ disabled: 'refuse' })))).toBe(
      'refuse 550 5.2.1 Mailbox disabled',
    );
  });

  test('without postmaster in the configuration, the directory decides', async () => {
    const { postmaster: _, ...rest } = spec();
    expect(told(await decide('postmaster@example.org', {}, rest))).toBe('refuse 550 5.1.1 Mailbox unknown');
    expect(told(await decide('postmaster', {}, rest))).toBe('refuse 550 5.1.1 Mailbox unknown');
  });

  test('postmaster gets mail past a rule that refuses everything (RFC 5321 §4.5.1)', async () => {
    const rules = [{ name: 'closed', then: { reject: '550 5.7.1 Closed' } }];
    expect(told(await decide('postmaster@example.org', {}, spec({ rules })))).toBe(
      `site:cloud grace.h@${tenant}`,
    );
  });
});

describe('addresses at the next hop', () => {
  const cloud = (some: object) => spec({ sites: { ...spec().sites, cloud: site(some) } });
  test.each([
    ['never rewritten', { routingDomain: tenant, routing: 'never' }, 'grace', 'site:cloud grace@example.org'],
    [
      'required and there',
      { routingDomain: tenant, routing: 'require' },
      'grace',
      `site:cloud grace.h@${tenant}`,
    ],
    [
      'required and not there',
      { routingDomain: tenant, routing: 'require' },
      'alan',
      'defer 451 4.4.4 No way to the destination',
    ],
    ['detail dropped', { routingDomain: tenant, detail: 'drop' }, 'alan+x', `site:cloud alan@${tenant}`],
    [
      'detail dropped, no routing domain',
      { detail: 'drop', canonical: false },
      'alan+x',
      'site:cloud alan@example.org',
    ],
    ['nothing changed', { canonical: false }, 'alan+x', 'site:cloud alan+x@example.org'],
  ] as const)('%s', async (_, some, local, outcome) => {
    expect(told(await decide(`${local}@example.org`, {}, cloud(some)))).toBe(outcome);
  });

  test('a local part never grows over 64 octets', async () => {
    const detail = 'd'.repeat(58);
    const decision = await decide(`countess+${detail}@example.org`.replace('countess', 'alan'));
    expect(told(decision)).toBe(`site:cloud alan+${detail}@${tenant}`);
    const long = known([`${'l'.repeat(50)}@example.org`, 'l@example.org'], { home: 'onprem' });
    const routing = router(spec(), new MemoryDirectory([long]));
    const shortened = await routing.route(question(`l+${'d'.repeat(20)}@example.org`), signal);
    expect(told(shortened)).toBe(`site:onprem ${'l'.repeat(50)}@example.org`);
  });
});

describe('header firewall', () => {
  const strips = async (client: ReturnType<typeof clientOf>, trusted: readonly string[]) => {
    const sites = {
      onprem: site({ trusted: trusted.includes('onprem') }),
      cloud: site({ trusted: trusted.includes('cloud') }),
    };
    const decision = await decide('alan@example.org', { client }, spec({ sites }));
    if (decision.verdict !== 'deliver') throw new Error(told(decision));
    return decision.copies.map(({ removeHeaders }) => removeHeaders);
  };
  const families = ['organization', 'crosspremises', 'forest'].map((one) => `x-ms-exchange-${one}-*`);

  test.each([
    ['a stranger', clientOf(), ['onprem', 'cloud'], families],
    ['a site that is not trusted', fromOnprem, ['cloud'], families],
    ['a trusted site to one that is not', fromOnprem, ['onprem'], families],
    ['a trusted site to a trusted site', fromOnprem, ['onprem', 'cloud'], []],
    ['somebody who logged in', loggedIn, ['onprem', 'cloud'], families],
  ])('%s', async (_, client, trusted, removed) => {
    expect(await strips(client, trusted)).toEqual([removed]);
  });

  test('between transparent sites nothing is changed', async () => {
    const both = { trusted: true, transparent: true };
    const routing = spec({
      sites: { onprem: site(both), cloud: site({ ...both, routingDomain: tenant }) },
      rules: [{ name: 'mark', then: { addHeader: { name: 'X-Mark', value: 'yes' } } }],
    });
    const untouched = await decide('Alan@example.org', { client: fromOnprem }, routing);
    expect(untouched).toMatchObject({ copies: [{ addHeaders: [], removeHeaders: [] }] });
    expect(told(untouched)).toBe('site:cloud Alan@example.org');
    const fromOutside = await decide('Alan@example.org', {}, routing);
    expect(fromOutside).toMatchObject({ copies: [{ addHeaders: ['X-Mark: yes'], removeHeaders: families }] });
  });
});

describe('groups', () => {
  const group = async (to: string, some = {}, routing = spec()) => {
    const decision = await decide(to, some, routing);
    if (decision.verdict !== 'expand') throw new Error(told(decision));
    return decision.group;
  };

  test('failures go to the first owner who has an address', async () => {
    expect((await group('all@example.org')).reportTo).toEqual(at('ada@example.org'));
  });

  test('failures of a report go to nobody', async () => {
    expect((await group('all@example.org', { sender: null })).reportTo).toBeNull();
  });

  test('failures go to nobody where the directory says so, to the sender where it says that', async () => {
    expect((await group('staff@example.org', { client: loggedIn })).reportTo).toBeNull();
    const plain = new MemoryDirectory([known(['g@example.org'], { group: {} })]);
    const decision = await router(spec(), plain).route(question('g@example.org'), signal);
    expect(decision.verdict === 'expand' && 'reportTo' in decision.group).toBe(false);
  });

  test('a group within its own expansion has nothing more to get', async () => {
    const decision = await decide('all@example.org', { expandedFrom: ['ad/all@example.org'] });
    expect(decision).toMatchObject({ verdict: 'deliver', copies: [] });
  });

  test.each([
    ['refuse', 'refuse 550 5.7.1 This group is moderated, and approval is not possible here'],
    ['defer', 'defer 450 4.7.1 This group is moderated, and approval is not possible here'],
  ] as const)('a moderated group: %s', async (moderated, outcome) => {
    expect(told(await decide('careful@example.org', {}, spec({ groups: { moderated } })))).toBe(outcome);
  });

  test('a dynamic group goes to the site that can expand it', async () => {
    const groups = { moderated: 'hold', opaqueSite: 'cloud' } as const;
    expect(told(await decide('dynamic@example.org', {}, spec({ groups })))).toBe(
      'site:cloud dynamic@example.org',
    );
  });

  test('a rule may leave a group to a site, unexpanded', async () => {
    const rules = [
      { name: 'lists', when: { recipient: { kind: 'group' } }, then: { routeTo: 'onprem' } },
    ] as const;
    expect(told(await decide('careful@example.org', {}, spec({ rules })))).toBe(
      'site:onprem careful@example.org',
    );
  });
});

describe('homes', () => {
  const homes = {
    rules: [
      { when: { recipient: { attribute: { name: 'Department', in: ['research'] } } }, site: 'onprem' },
      { when: { recipient: { memberOf: 'board@example.org' } }, site: 'onprem' },
    ],
    byKind: { room: 'cloud' },
    default: 'onprem',
  } as const;
  test.each([
    ['an attribute, without regard to case', 'alan', 'home rule 1: home is onprem'],
    ['a group', 'vip', 'home rule 2: home is onprem'],
    ['the kind', 'room', 'default home of room: cloud'],
    ['the default', 'homeless', 'default home: onprem'],
    ['an override is stronger', 'moved', 'override: home is cloud'],
  ])('%s', async (_, local, because) => {
    expect((await decide(`${local}@example.org`, {}, spec({ homes }))).because).toContain(because);
  });

  test('known, but nowhere: wait, since an operator can mend it', async () => {
    const homeless = await decide('homeless@example.org', {}, spec({ homes: { rules: [], byKind: {} } }));
    expect(told(homeless)).toBe('defer 451 4.4.4 No way to the destination');
  });
});
