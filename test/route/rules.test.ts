// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
import { describe, expect, test } from 'vitest';
import type { Question } from '../../src/ports/routing.ts';
import type { Condition } from '../../src/route/spec.ts';
import {
  at,
  clientOf,
  decide,
  fromCloud,
  fromOnprem,
  loggedIn,
  spec,
  tenant,
  told,
  withRules,
} from './company.ts';

/** A question as it is at RCPT. */
const atRcpt = (question: Partial<Question> = {}): Partial<Question> => {
  const unknown: Partial<Question> = { headers: undefined, size: undefined, sitesSeen: undefined } as never;
  return { ...question, ...unknown };
};

const marked = { reject: '550 5.7.1 Marked' };
const matches = async (when: Condition, to: string, question: Partial<Question> = {}) =>
  told(await decide(to, question, withRules({ name: 'r', when, then: marked }))) ===
  'refuse 550 5.7.1 Marked';

describe('conditions', () => {
  const headers = new Map([['x-spam-flag', ['no', 'YES']]]);
  test.each<[string, Condition, boolean, Partial<Question>?]>([
    ['no condition', {}, true],
    ['the address', { recipient: { address: 'ALAN@example.org' } }, true],
    ['another address', { recipient: { address: 'ada@example.org' } }, false],
    ['one of several', { recipient: { address: ['ada@example.org', 'alan@example.org'] } }, true],
    ['a star', { recipient: { address: 'al*@example.org' } }, true],
    ['a star in the middle', { recipient: { address: 'a*n@*.org' } }, true],
    ['a star that does not reach', { recipient: { address: 'b*@example.org' } }, false],
    ['the domain', { recipient: { domain: 'Example.org' } }, true],
    ['a subdomain is not the domain', { recipient: { domain: '*.example.org' } }, false],
    ['an attribute', { recipient: { attribute: { name: 'department', equals: 'research' } } }, true],
    ['in', { recipient: { attribute: { name: 'DEPARTMENT', in: ['x', 'codes'] } } }, true],
    ['not in', { recipient: { attribute: { name: 'department', in: ['x'] } } }, false],
    ['present', { recipient: { attribute: { name: 'department', present: true } } }, true],
    ['absent', { recipient: { attribute: { name: 'constructor', present: false } } }, true],
    ['the kind', { recipient: { kind: ['room', 'user'] } }, true],
    ['known', { recipient: { known: true } }, true],
    ['the home', { recipient: { home: 'cloud' } }, true],
    ['another home', { recipient: { home: 'onprem' } }, false],
    ['the sender', { sender: { address: '*@elsewhere.example' } }, true],
    ['a sender the directory knows', { sender: { known: true } }, true, { sender: at('ada@example.org') }],
    ['one it does not', { sender: { known: true } }, false],
    ['a report', { sender: { empty: true } }, true, { sender: null }],
    ['a report has no sender domain', { sender: { domain: 'elsewhere.example' } }, false, { sender: null }],
    ['the network', { client: { network: ['10.0.0.0/8', '192.0.2.0/24'] } }, true],
    ['another network', { client: { network: '10.0.0.0/8' } }, false],
    ['IPv6', { client: { network: '2001:db8::/32' } }, true, { client: clientOf({ ip: '2001:db8::1' }) }],
    ['the site', { client: { site: 'onprem' } }, true, { client: fromOnprem }],
    ['the listener', { client: { listener: 'mx' } }, true],
    ['the protocol', { client: { protocol: 'submission' } }, false],
    ['in the clear', { client: { tls: 'none' } }, true],
    ['logged in', { client: { authenticated: true, account: 'ADA' } }, true, { client: loggedIn }],
    ['not logged in', { client: { authenticated: false } }, true],
    ['inbound', { direction: 'inbound' }, true],
    ['internal by login', { direction: 'internal' }, true, { client: loggedIn }],
    ['a site passes on mail of strangers', { direction: 'inbound' }, true, { client: fromOnprem }],
    [
      'a site passes on mail of ours',
      { direction: 'internal' },
      true,
      { client: fromOnprem, sender: at('ada@example.org') },
    ],
    ['over', { size: { over: 999 } }, true],
    ['not over', { size: { over: 1000 } }, false],
    ['under', { size: { under: 1001 } }, true],
    ['between', { size: { over: 999, under: 1000 } }, false],
    ['a header', { header: { name: 'X-Spam-Flag', equals: 'yes' } }, true, { headers }],
    ['a part of one', { header: { name: 'X-Spam-Flag', contains: 'E' } }, true, { headers }],
    ['one that is absent', { header: { name: 'X-Other', present: false } }, true, { headers }],
    ['all', { all: [{ direction: 'inbound' }, { recipient: { home: 'onprem' } }] }, false],
    ['any', { any: [{ direction: 'outbound' }, { recipient: { home: 'cloud' } }] }, true],
    ['not', { not: { direction: 'inbound' } }, false],
    ['several keys are all of them', { direction: 'inbound', client: { listener: 'other' } }, false],
  ])('%s', async (_, when, expected, question) => {
    expect(await matches(when, 'alan@example.org', question)).toBe(expected);
  });

  test('a verified certificate', async () => {
    const tls = { version: 'TLSv1.3', cipher: 'x', certificateNames: ['MX.Partner.example'] };
    const client = clientOf({ tls });
    const question = { client };
    expect(await matches({ client: { tls: 'verified' } }, 'ada@example.org', question)).toBe(true);
    expect(
      await matches({ client: { certificateName: '*.partner.example' } }, 'ada@example.org', question),
    ).toBe(true);
    expect(await matches({ client: { tls: 'unverified' } }, 'ada@example.org', question)).toBe(false);
  });

  test('a rule for an address holds for the person, whichever of their addresses the mail names', async () => {
    const ada = { recipient: { address: 'ada@example.org' } };
    const list = { recipient: { address: ['vip@example.org', 'ada@example.org'] } };
    for (const to of ['ada@example.org', 'countess@example.org', 'Countess+lists@example.org']) {
      expect(await matches(ada, to), to).toBe(true);
      expect(await matches(list, to), to).toBe(true);
      expect(await matches({ not: ada }, to), to).toBe(false);
      expect(await matches({ recipient: { address: 'countess@example.org' } }, to), to).toBe(true);
    }
    expect(await matches({ recipient: { address: `grace.h@${tenant}` } }, 'grace@example.org')).toBe(true);
    expect(await matches(ada, 'alan@example.org')).toBe(false);
    // Two claim it: nobody knows whose rules hold.
    const two = { recipient: { address: 'two@example.org' } };
    const spec = withRules({ name: 'r', when: two, strangers: true, then: marked });
    expect(told(await decide('dual@example.org', {}, spec))).toMatch(/^defer/);
  });

  test('a pattern looks at the address that the mail names', async () => {
    for (const address of ['ada*@example.org', 'a*@*', 'ad*@example.org']) {
      expect(await matches({ recipient: { address } }, 'countess@example.org')).toBe(false);
    }
    expect(await matches({ recipient: { domain: tenant } }, 'grace@example.org')).toBe(false);
  });

  test('a rule for a sender holds for all addresses of theirs; for people elsewhere the directory is asked too', async () => {
    const sender = at('countess@example.org');
    expect(await matches({ sender: { address: 'ada@example.org' } }, 'alan@example.org', { sender })).toBe(
      true,
    );
    expect(
      await matches({ sender: { address: 'ada@example.org' } }, 'alan@example.org', { sender: null }),
    ).toBe(false);
    const partner = { recipient: { address: 'partner@example.org' } };
    expect(await matches(partner, 'bob@partner.example', { client: loggedIn })).toBe(true);
  });

  test('a redirect to another address of the same person ends there', async () => {
    const when = { recipient: { address: 'ada@example.org' } };
    const routing = withRules({ name: 'r', when, then: { redirect: 'countess@example.org' } });
    expect(told(await decide('ada@example.org', {}, routing))).toBe('site:onprem ada@example.org');
  });

  test('a group, by address and by id', async () => {
    for (const memberOf of ['Board@example.org', 'ad/board@example.org']) {
      expect(await matches({ recipient: { memberOf } }, 'vip@example.org')).toBe(true);
      expect(await matches({ recipient: { memberOf } }, 'ada@example.org')).toBe(false);
    }
  });

  test('outbound', async () => {
    expect(await matches({ direction: 'outbound' }, 'bob@partner.example', { client: loggedIn })).toBe(true);
  });
});

describe('actions', () => {
  test.each([
    ['routeTo', { routeTo: 'cloud' }, `site:cloud ada@${tenant}`],
    ['redirect', { redirect: 'alan@example.org' }, `site:cloud alan@${tenant}`],
    ['redirect elsewhere', { redirect: 'bob@partner.example' }, 'mx:partner.example bob@partner.example'],
    ['redirect to the recipient itself', { redirect: 'ada@example.org' }, 'site:onprem ada@example.org'],
    ['reject', { reject: '550 5.7.1 Not here' }, 'refuse 550 5.7.1 Not here'],
    ['reject without enhanced code', { reject: '554 No' }, 'refuse 554 5.7.1 No'],
    ['reject for now', { reject: '451 4.7.1 Later' }, 'defer 451 4.7.1 Later'],
    ['hold', { hold: 'legal asks' }, 'hold legal asks'],
    ['deliverAlso', { deliverAlso: 'cloud' }, `site:onprem ada@example.org, dual site:cloud ada@${tenant}`],
    ['deliverAlso to the home', { deliverAlso: 'onprem' }, 'site:onprem ada@example.org'],
    ['deliverAlso nowhere', { deliverAlso: 'mars' }, 'site:onprem ada@example.org'],
    ['rewrite the address', { rewriteRecipient: { address: 'a@b.example' } }, 'site:onprem a@b.example'],
    ['rewrite the domain', { rewriteRecipient: { domain: 'b.example' } }, 'site:onprem countess@b.example'],
    [
      'journal at a site',
      { journalTo: { address: 'j@record.example', site: 'cloud' } },
      'site:onprem ada@example.org, journal site:cloud j@record.example',
    ],
    [
      'journal by MX',
      { journalTo: { address: 'j@record.example' } },
      'site:onprem ada@example.org, journal mx:record.example j@record.example',
    ],
    [
      'journal to one of ours',
      { journalTo: { address: 'alan@example.org' } },
      'site:onprem ada@example.org, journal site:cloud alan@example.org',
    ],
    [
      'a journal nobody has: held, not sent without record',
      { journalTo: { address: 'nobody@example.org' } },
      'hold journal nobody@example.org: nobody has this address',
    ],
  ])('%s', async (_, then, outcome) => {
    expect(told(await decide('countess@example.org', {}, withRules({ name: 'r', then })))).toBe(outcome);
  });

  test('additions add up until a rule decides; the first that decides wins', async () => {
    const routing = withRules(
      { name: 'one', then: { addHeader: { name: 'X-One', value: '1' } } },
      { name: 'two', then: [{ addHeader: { name: 'X-Two', value: '2' } }, { routeTo: 'cloud' }] },
      { name: 'three', then: { addHeader: { name: 'X-Three', value: '3' } } },
      { name: 'four', then: { reject: '550 no' } },
    );
    const decision = await decide('ada@example.org', {}, routing);
    expect(decision).toMatchObject({ copies: [{ addHeaders: ['X-One: 1', 'X-Two: 2'] }] });
    expect(decision.because).toEqual([
      'rule one: addHeader',
      'rule two: addHeader',
      'rule two: routes to cloud',
      `addressed to ada@${tenant}`,
    ]);
  });

  test('a rule that stops leaves it to the home', async () => {
    const routing = withRules(
      { name: 'enough', then: { addHeader: { name: 'X-One', value: '1' } }, stop: true },
      { name: 'never', then: { reject: '550 no' } },
    );
    expect(told(await decide('ada@example.org', {}, routing))).toBe('site:onprem ada@example.org');
  });

  test('after a redirect all rules are asked again, and add only once', async () => {
    const routing = withRules(
      { name: 'mark', then: { addHeader: { name: 'X-One', value: '1' } } },
      {
        name: 'move',
        when: { recipient: { address: 'ada@example.org' } },
        then: { redirect: 'vip@example.org' },
      },
      { name: 'vip', when: { recipient: { memberOf: 'board@example.org' } }, then: { routeTo: 'onprem' } },
    );
    const decision = await decide('ada@example.org', {}, routing);
    expect(told(decision)).toBe('site:onprem vip@example.org');
    expect(decision).toMatchObject({ copies: [{ addHeaders: ['X-One: 1'] }] });
  });

  test('a smart host for all that goes out', async () => {
    const routing = withRules({ name: 'out', when: { direction: 'outbound' }, then: { routeTo: 'cloud' } });
    expect(told(await decide('bob@partner.example', { client: loggedIn }, routing))).toBe(
      'site:cloud bob@partner.example',
    );
    expect(told(await decide('partner@example.org', {}, routing))).toBe('site:cloud bob@partner.example');
  });
});

describe('strangers', () => {
  test('are refused before any rule', async () => {
    const routing = withRules({ name: 'all', then: { routeTo: 'cloud' } });
    expect(told(await decide('nobody@example.org', {}, routing))).toBe('refuse 550 5.1.1 Mailbox unknown');
  });

  test('save rules that ask for them', async () => {
    const when = { recipient: { known: false } };
    const routing = withRules({ name: 'all', when, then: { routeTo: 'cloud' }, strangers: true });
    expect(told(await decide('nobody@example.org', {}, routing))).toBe('site:cloud nobody@example.org');
    expect(told(await decide('dual@example.org', {}, routing))).toBe('site:cloud dual@example.org');
    expect(told(await decide('ada@example.org', {}, routing))).toBe('site:onprem ada@example.org');
  });
});

describe('at RCPT', () => {
  const spam = { header: { name: 'X-Spam', present: true } };
  test.each([
    ['a rule that waits for the message neither matches nor fails', { name: 'r', when: spam, then: marked }],
    ['nor does its contrary', { name: 'r', when: { not: spam }, then: marked }],
    ['nor one on size', { name: 'r', when: { size: { over: 5 } }, then: marked }],
  ])('%s', async (_, rule) => {
    const decision = await decide('ada@example.org', atRcpt(), withRules(rule));
    expect(decision.verdict).toBe('deliver');
    expect(decision.because[0]).toBe('rule r: cannot tell before the message is here');
  });

  test('what is certain is refused at once', async () => {
    const when = { all: [spam, { recipient: { domain: 'example.org' } }] };
    const any = { any: [spam, { recipient: { domain: 'example.org' } }] };
    const refusedLate = withRules({ name: 'r', when, then: marked });
    expect((await decide('ada@example.org', atRcpt(), refusedLate)).verdict).toBe('deliver');
    const refusedNow = withRules({ name: 'r', when: any, then: marked });
    expect(told(await decide('ada@example.org', atRcpt(), refusedNow))).toBe('refuse 550 5.7.1 Marked');
  });

  test('a refusal is not certain while an earlier rule may still decide for delivery', async () => {
    const routing = withRules(
      { name: 'saved', when: spam, then: { routeTo: 'cloud' } },
      { name: 'closed', then: { reject: '550 5.7.1 Closed' } },
    );
    const before = await decide('ada@example.org', atRcpt(), routing);
    expect(before).toMatchObject({ verdict: 'deliver', copies: [] });
    expect(told(await decide('ada@example.org', {}, routing))).toBe('refuse 550 5.7.1 Closed');
    const headers = new Map([['x-spam', ['1']]]);
    expect(told(await decide('ada@example.org', { headers }, routing))).toBe(`site:cloud ada@${tenant}`);
  });

  test('it is certain when the earlier rule could only refuse as well', async () => {
    const routing = withRules(
      { name: 'spam', when: spam, then: { reject: '550 5.7.1 Spam' } },
      { name: 'closed', then: { reject: '550 5.7.1 Closed' } },
    );
    expect(told(await decide('ada@example.org', atRcpt(), routing))).toBe('refuse 550 5.7.1 Closed');
  });

  test('strangers are refused at once, whatever rules wait for', async () => {
    const routing = withRules({ name: 'large', when: { size: { over: 5 } }, then: { hold: 'large' } });
    expect(told(await decide('nobody@example.org', atRcpt(), routing))).toBe(
      'refuse 550 5.1.1 Mailbox unknown',
    );
  });

  test('SIZE said at MAIL is known', async () => {
    const routing = withRules({ name: 'large', when: { size: { over: 5 } }, then: marked });
    const asked = { ...atRcpt(), size: 6 };
    expect(told(await decide('ada@example.org', asked, routing))).toBe('refuse 550 5.7.1 Marked');
  });
});

test('mail from the cloud to somebody at home goes there', async () => {
  expect(told(await decide('ada@example.org', { client: fromCloud }, spec()))).toBe(
    'site:onprem ada@example.org',
  );
});
