// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
import { describe, expect, test } from 'vitest';
import { questionByHand } from '../../src/route/by-hand.ts';
import { compile } from '../../src/route/compile.ts';
import { parseCsv } from '../../src/route/csv.ts';
import { exitCode, parseExpectations, printResults, testExpectations } from '../../src/route/expectations.ts';
import { explain, printExplanation } from '../../src/route/explain.ts';
import { known, MemoryDirectory, people, router, spec, tenant, withRules } from './company.ts';

const signal = new AbortController().signal;
const directory = new MemoryDirectory(people);
const services = { routing: router(spec(), directory), directory };
const compiled = compile(spec());

describe('explain', () => {
  test('tells where, to whom and why', async () => {
    const told = await explain(services, questionByHand({ to: 'Countess@example.org' }, compiled), signal);
    expect(printExplanation(told)).toBe(
      [
        'Countess@example.org: deliver, one copy',
        '  site:onprem  ada@example.org',
        '               - x-ms-exchange-organization-*, x-ms-exchange-crosspremises-*, x-ms-exchange-forest-*',
        '  because',
        '    directory: home is onprem',
        '    addressed to ada@example.org',
      ].join('\n'),
    );
  });

  test('follows a group to its members', async () => {
    const told = await explain(services, questionByHand({ to: 'all@example.org' }, compiled), signal);
    expect(told).toMatchObject({
      verdict: 'expand',
      says: 'failures go to ada@example.org',
      members: [
        { recipient: 'ada@example.org', copies: [{ nextHop: 'site:onprem' }] },
        { recipient: 'alan@example.org', copies: [{ nextHop: 'site:cloud', recipient: `alan@${tenant}` }] },
        { recipient: 'partner@example.org', copies: [{ nextHop: 'mx:partner.example' }] },
      ],
    });
  });

  test('a group without an address is entered, as the spool enters it, and once', async () => {
    const member = (text: string) => ({
      kind: 'entry' as const,
      address: questionByHand({ to: text }, compiled).recipient,
      entryId: text,
    });
    const nested = { kind: 'group' as const, id: 'ad/nameless' };
    const nameless = new MemoryDirectory([
      ...people,
      known(['crew@example.org'], { group: {}, members: [nested, member('ada@example.org')] }),
    ]);
    const members = async function* (id: string) {
      if (id === 'ad/nameless') yield* [nested, member('alan@example.org')];
      else yield* nameless.members(id);
    };
    const directory = { members, entry: async () => undefined };
    const all = { routing: router(spec(), nameless), directory };
    const told = await explain(all, questionByHand({ to: 'crew@example.org' }, compiled), signal);
    expect(told.members?.map(({ recipient }) => recipient)).toEqual(['ada@example.org', 'alan@example.org']);
  });

  test('a group that holds itself, or too many, ends', async () => {
    const address = (text: string) => questionByHand({ to: text }, compiled).recipient;
    const big = new MemoryDirectory([
      known(['ring@example.org'], {
        group: {},
        members: [
          { kind: 'group', id: 'ad/ring@example.org' },
          { kind: 'unusable', where: 'CN=x', why: 'no address' },
          ...Array.from({ length: 80 }, (_, n) => ({
            kind: 'entry' as const,
            address: address(`p${n}@example.org`),
            entryId: `${n}`,
          })),
        ],
      }),
    ]);
    const all = { routing: router(spec(), big), directory: big };
    const told = await explain(all, questionByHand({ to: 'ring@example.org' }, compiled), signal);
    expect(told.members).toHaveLength(50);
    expect(told.notes).toEqual([
      'ring@example.org has a copy already',
      'CN=x is skipped: no address',
      'there are more members than are shown',
    ]);
  });

  test.each([
    ['a client is recognised as the server would', { to: 'ada@example.org', clientIp: '10.1.1.1' }, 'refuse'],
    [
      'a certificate',
      { to: 'ada@example.org', certificateNames: ['mail.protection.outlook.com'] },
      'deliver',
    ],
    ['a login', { to: 'x@partner.example', account: 'ada' }, 'deliver'],
    ['a report', { to: 'all@example.org', from: '<>' }, 'expand'],
    ['postmaster', { to: 'postmaster' }, 'deliver'],
  ])('%s', async (_, words, verdict) => {
    expect(await explain(services, questionByHand(words, compiled), signal)).toMatchObject({ verdict });
  });

  test('headers make it a question after DATA', async () => {
    const rules = compile(
      withRules({ name: 'r', when: { header: { name: 'X-A', equals: 'b' } }, then: { hold: 'x' } }),
    );
    const asked = questionByHand({ to: 'ada@example.org', headers: ['X-A: b'] }, rules);
    expect(asked.headers).toEqual(new Map([['x-a', ['b']]]));
    expect(questionByHand({ to: 'ada@example.org' }, rules).headers).toBeUndefined();
  });

  test.each([
    [{ to: 'ada' }, 'expected a mail address, found "ada"'],
    [{ to: 'ada@example.org', clientIp: '1.2.3' }, 'expected an IP address, found "1.2.3"'],
    [{ to: 'ada@example.org', site: 'mars' }, 'expected one of onprem, cloud, found "mars"'],
    [{ to: 'ada@example.org', headers: ['x'] }, 'expected a header such as "X-Name: value", found "x"'],
  ])('%j is not understood', (words, text) => {
    expect(() => questionByHand(words, compiled)).toThrow(text);
  });
});

describe('expectations', () => {
  const run = async (text: string, format: 'yaml' | 'csv' = 'yaml') =>
    testExpectations(parseExpectations(text, format), services.routing, compiled, signal);

  test('in YAML', async () => {
    const results = await run(`
- to: ada@example.org
  expect: { site: onprem, recipient: ada@example.org, because: home is onprem }
- to: bob@partner.example
  client: { account: ada }
  expect: { mx: partner.example }
- { to: nobody@example.org, expect: 550 }
- { to: dual@example.org, expect: { deferred: 451 4.1.4 } }
- { to: all@example.org, from: <>, expect: group }
- { to: careful@example.org, expect: { held: true } }
- { to: alan@example.org, expect: cloud }
`);
    expect(printResults(results)).toBe('7 of 7 expectations are met');
    expect(exitCode(results)).toBe(0);
  });

  test('what is not met is told with its line and the reasons', async () => {
    const results = await run(`
- to: ada@example.org
  expect: cloud

- to: alan@example.org
  expect: { site: cloud, recipient: alan@example.org }
- { to: alan@example.org, expect: { site: cloud, because: the moon } }
- { to: alan@example.org, expect: { site: cloud, also: [onprem] } }
- { to: nobody@example.org, expect: { refused: 551 } }
`);
    expect(exitCode(results)).toBe(1);
    expect(
      printResults(results)
        .split('\n')
        .filter((line) => !line.startsWith(' ')),
    ).toEqual([
      'line 2: ada@example.org: expected site:cloud, got site:onprem',
      `line 5: alan@example.org: expected recipient alan@example.org, got alan@${tenant}`,
      `line 7: alan@example.org: expected a reason with "the moon", got directory: home is cloud; addressed to alan@${tenant}`,
      'line 8: alan@example.org: expected also site:onprem, got no other copy',
      'line 9: nobody@example.org: expected refused 551, got refused 550 5.1.1 Mailbox unknown',
      '0 of 5 expectations are met',
    ]);
  });

  test('in CSV', async () => {
    const csv = [
      'to,from,ip,account,expect,because',
      'ada@example.org,,,,site:onprem,',
      '# a comment,,,,,',
      'ada@example.org,,10.1.1.1,,554 5.4.6,"loop: came from onprem and would go back to it"',
      'bob@partner.example,<>,,ada,mx:partner.example,',
      '',
    ].join('\r\n');
    const results = await run(csv, 'csv');
    expect(printResults(results)).toBe('3 of 3 expectations are met');
    expect(results.map(({ line }) => line)).toEqual([2, 4, 5]);
  });

  test.each([
    ['no list', 'to: ada', 'line 1: expected a list of expectations'],
    ['no address', '- expect: 550', 'line 1: expected "to"'],
    [
      'a bad address',
      '- to: x@example.org\n  expect: 550\n- to: ada\n  expect: 550',
      'line 3: expected a mail address',
    ],
    ['an unknown key', '\n- { to: a@example.org, wish: 1, expect: 550 }', 'line 2: unknown key "wish"'],
    ['nothing expected', '- to: a@example.org', 'line 1: expected a map of keys for expect'],
    [
      'two outcomes',
      '- { to: a@example.org, expect: { site: a, mx: b } }',
      'line 1: expected one of site, mx',
    ],
    ['broken YAML', '- [', 'line'],
  ])('%s is told with its line', async (_, text, message) => {
    await expect(async () => run(text)).rejects.toThrow(message);
  });

  test('a table may hold commas, quotes and line ends in quotes', () => {
    expect(parseCsv('a,b\n"1,""x""\n2", y \n\n3,4')).toEqual([
      { line: 2, fields: { a: '1,"x"\n2', b: 'y' } },
      { line: 5, fields: { a: '3', b: '4' } },
    ]);
    expect(() => parseCsv('a\n1,2')).toThrow('line 2: more fields than column names');
    expect(() => parseCsv('a\nx"y')).toThrow('line 2: a quote is not where one may be');
  });
});

test('a journal of a group is told, and can be expected', async () => {
  const then = { journalTo: { address: 'j@record.example' } };
  const when = { recipient: { address: 'all@example.org' } };
  const rules = withRules({ name: 'record', when, then });
  const routing = router(rules);
  const asked = questionByHand({ to: 'all@example.org' }, compile(rules));
  const told = await explain({ routing, directory }, asked, signal);
  expect(told.copies).toMatchObject([{ nextHop: 'mx:record.example', purpose: 'journal' }]);
  const text = '- { to: all@example.org, expect: { group: true, also: ["mx:record.example"] } }';
  const [result] = await testExpectations(parseExpectations(text, 'yaml'), routing, compile(rules), signal);
  expect(result).toMatchObject({ ok: true });
});
