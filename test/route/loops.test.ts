// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
/** The traps of hybrid mail flow that routing can decide, by their number in the reference (§11), and other loops. */
import { describe, expect, test } from 'vitest';
import {
  at,
  clientOf,
  decide,
  fromCloud,
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
const loop = 'refuse 554 5.4.6 Mail loop detected';

describe('traps', () => {
  test('2: a person with two mailboxes waits for an operator, never a coin toss', async () => {
    const decision = await decide('dual@example.org', { client: fromCloud });
    expect(told(decision)).toBe('defer 451 4.1.4 Mailbox ambiguous');
    expect(decision.because).toContain('directory: several entries claim dual@example.org');
  });

  test('4: people of the other side are not refused in a shared domain', async () => {
    expect(told(await decide('other@shared.example.org'))).toBe('site:onprem other@shared.example.org');
  });

  test('5: both sides relay what they do not know: one clean 550, no loop', async () => {
    const decision = await decide('other@shared.example.org', { client: fromOnprem });
    expect(told(decision)).toBe('refuse 550 5.1.1 Mailbox unknown');
  });

  test('5: where the other side is not recognised, our own trace shows the loop long before 20 hops', async () => {
    const once = await decide('other@shared.example.org', { sitesSeen: ['onprem'] });
    expect(told(once)).toBe('site:onprem other@shared.example.org');
    expect(told(await decide('other@shared.example.org', { sitesSeen: ['onprem', 'onprem'] }))).toBe(loop);
  });

  test('a cloud whose servers others share: only mail of our own senders is from our site', async () => {
    const cloud = site({
      routingDomain: tenant,
      relay: true,
      recognise: { networks: [], certificateNames: ['mail.protection.outlook.com'], ownSendersOnly: true },
    });
    const shared = spec({ sites: { ...spec().sites, cloud } });
    const partner = await decide('alan@example.org', { client: fromCloud }, shared);
    expect(told(partner)).toBe(`site:cloud alan@${tenant}`);
    expect(partner.because.join()).toContain('which others share');
    const own = { client: fromCloud, sender: at('vip@example.org') };
    expect(told(await decide('alan@example.org', own, shared))).toBe(loop);
    expect(told(await decide('bob@partner.example', own, shared))).toBe(
      'mx:partner.example bob@partner.example',
    );
    expect(told(await decide('bob@partner.example', { client: fromCloud }, shared))).toContain(
      'refuse 550 5.7.1',
    );
    expect(told(await decide('bob@partner.example', { client: fromCloud, sender: null }, shared))).toContain(
      'refuse 550 5.7.1',
    );
  });

  test('8: between two Exchange sites that are trusted, marks of internal mail pass', async () => {
    const sites = { onprem: site({ trusted: true }), cloud: site({ trusted: true }) };
    const decision = await decide('alan@example.org', { client: fromOnprem }, spec({ sites }));
    expect(decision).toMatchObject({ verdict: 'deliver', copies: [{ removeHeaders: [] }] });
  });

  test("11: the peer's own people are not refused by a rule against forged senders", async () => {
    const rules = [
      {
        name: 'forged',
        when: {
          direction: 'inbound',
          sender: { domain: 'example.org' },
          not: { any: [{ client: { site: ['onprem', 'cloud'] } }, { client: { authenticated: true } }] },
        },
        then: { reject: '550 5.7.1 Not from there' },
      },
    ] as const;
    const sender = question('ada@example.org').recipient;
    const from = (client: ReturnType<typeof clientOf>) =>
      decide('alan@example.org', { sender, client }, spec({ rules }));
    expect(told(await from(clientOf()))).toBe('refuse 550 5.7.1 Not from there');
    expect(told(await from(fromOnprem))).toBe(`site:cloud alan@${tenant}`);
    expect(told(await from(loggedIn))).toBe(`site:cloud alan@${tenant}`);
  });

  test('12: plus-addresses and catch-all in one shared domain', async () => {
    const domains = [
      { name: 'example.org', type: 'internalRelay', site: 'onprem', catchAll: 'ada@example.org' },
    ] as const;
    const routing = spec({ domains });
    expect(told(await decide('alan+news@example.org', {}, routing))).toBe(`site:cloud alan+news@${tenant}`);
    expect(told(await decide('whoever+news@example.org', {}, routing))).toBe('site:onprem ada@example.org');
  });

  test('12: a catch-all whose own address is unknown does not catch itself', async () => {
    const domains = [
      { name: 'example.org', type: 'authoritative', catchAll: 'gone.away@example.org' },
    ] as const;
    expect(told(await decide('x@example.org', {}, spec({ domains })))).toBe(
      'refuse 550 5.1.1 Mailbox unknown',
    );
  });

  test('13: a message never goes back to the site it came from', async () => {
    const decision = await decide('ada@example.org', { client: fromOnprem });
    expect(told(decision)).toBe(loop);
    expect(decision.because).toContain('loop: came from onprem and would go back to it');
  });
});

describe('loops', () => {
  test('a rule may send mail back only where the site permits it', async () => {
    const rules = [{ name: 'back', then: { routeTo: 'cloud' } }] as const;
    expect(told(await decide('ada@example.org', { client: fromCloud }, spec({ rules })))).toBe(loop);
    const sites = { ...spec().sites, cloud: site({ hairpin: true }) };
    expect(told(await decide('ada@example.org', { client: fromCloud }, spec({ rules, sites })))).toBe(
      'site:cloud ada@example.org',
    );
  });

  test('not even then for ever', async () => {
    const sites = { ...spec().sites, cloud: site({ hairpin: true }) };
    const seen = { client: fromCloud, sitesSeen: ['cloud', 'onprem', 'cloud'] };
    expect(told(await decide('alan@example.org', seen, spec({ sites })))).toBe(loop);
  });

  test('a member of a group may live where the message came from', async () => {
    const member = { client: fromOnprem, expandedFrom: ['ad/all@example.org'] };
    expect(told(await decide('ada@example.org', member))).toBe('site:onprem ada@example.org');
    expect(told(await decide('ada@example.org', { ...member, sitesSeen: ['onprem', 'onprem'] }))).toBe(loop);
  });

  test('so may the target of a contact', async () => {
    expect(told(await decide('inner@example.org', { client: fromOnprem }))).toBe(
      'site:onprem ada@example.org',
    );
  });

  test('an additional copy to where it came from is left out, the delivery is not', async () => {
    const rules = [{ name: 'both', then: { deliverAlso: 'onprem' } }] as const;
    const decision = await decide('alan@example.org', { client: fromOnprem }, spec({ rules }));
    expect(told(decision)).toBe(`site:cloud alan@${tenant}`);
    expect(decision.because.join()).toContain('no additional copy to onprem: loop');
  });

  test('a long chain of targets ends', async () => {
    const links = Array.from({ length: 30 }, (_, n) =>
      known([`n${n}@example.org`], { kind: 'contact', target: `n${n + 1}@example.org` }),
    );
    const routing = router(spec(), new MemoryDirectory(links));
    expect(told(await routing.route(question('n0@example.org'), signal))).toBe(loop);
    const near = await routing.route(question('n29@example.org'), signal);
    expect(told(near)).toBe('refuse 550 5.1.1 Mailbox unknown');
  });

  test('redirects in a circle', async () => {
    const rules = [
      {
        name: 'a',
        when: { recipient: { address: 'ada@example.org' } },
        then: { redirect: 'alan@example.org' },
      },
      {
        name: 'b',
        when: { recipient: { address: 'alan@example.org' } },
        then: { redirect: 'ada@example.org' },
      },
    ];
    expect(told(await decide('ada@example.org', {}, spec({ rules })))).toBe(loop);
  });
});
