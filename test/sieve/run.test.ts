// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of Sieve, not of this language
import { describe, expect, test } from 'vitest';
import { inShort, play } from './scene.ts';

const truth = async (check: string, require = ''): Promise<boolean> => {
  const names = [
    'fileinto',
    'envelope',
    'variables',
    'relational',
    'comparator-i;ascii-numeric',
    'subaddress',
    'body',
    'date',
    'index',
    'regex',
    'mime',
    'imap4flags',
    'mailbox',
    'duplicate',
    'environment',
    'spamtest',
    ...(require ? [require] : []),
  ];
  const outcome = await play(
    `require [${names.map((name) => `"${name}"`).join(', ')}];\nif ${check} { fileinto "yes"; }`,
  );
  expect(outcome.problem).toBeUndefined();
  return inShort(outcome) === 'fileinto yes';
};

describe('tests', () => {
  test.each([
    ['header :is "subject" "Grüße from the sale"', true],
    ['header :contains "SUBJECT" "FROM THE"', true],
    ['header :contains :comparator "i;octet" "subject" "FROM THE"', false],
    ['header :matches "subject" "*from*sale"', true],
    ['header :matches "subject" "*from*sale?"', false],
    ['header :matches "subject" "\\\\*"', false],
    ['header :regex "subject" "^gr.+(sale|sail)$"', true],
    ['header :regex "subject" "^sale"', false],
    ['header :count "eq" :comparator "i;ascii-numeric" ["from", "to"] "2"', true],
    ['header "absent" ""', false],
    ['exists ["from", "to"]', true],
    ['exists ["from", "cc"]', false],
    ['address :domain "to" "EXAMPLE.NET"', true],
    ['address :user "to" "bob"', true],
    ['address :detail "to" "lists"', true],
    ['address :localpart :index 2 "to" "eve"', false],
    ['address :all "from" "ada@example.org"', true],
    ['envelope :detail "to" "lists"', true],
    ['envelope "from" "ada@example.org"', true],
    ['size :over 100', true],
    ['size :under 100', false],
    ['not false', true],
    ['allof (true, not true)', false],
    ['anyof (false, true)', true],
    ['body :contains "Schöne"', true],
    ['body :contains "Hello world"', true],
    ['body :contains "<b>"', false],
    ['body :raw :contains "<b>"', true],
    ['body :content "multipart" :contains "prologue"', true],
    ['date :zone "+0000" "date" "hour" "09"', true],
    ['date :originalzone "date" "iso8601" "2026-11-25T10:00:00+01:00"', true],
    ['date "date" "weekday" "3"', true],
    ['currentdate :value "ge" "date" "2026-11-25"', true],
    ['currentdate :zone "+1300" "hour" "01"', true],
    ['header :mime :type "content-type" "multipart"', true],
    ['header :mime :anychild :param "name" "content-type" "a.html"', true],
    ['string :value "gt" :comparator "i;ascii-numeric" "100" "99"', true],
    ['mailboxexists "none"', false],
    ['duplicate', false],
    ['environment "name" "x"', false],
    ['spamtest :value "eq" :comparator "i;ascii-numeric" "0"', true],
  ])('%s is %s', async (check, expected) => {
    expect(await truth(check)).toBe(expected);
  });
});

describe('actions', () => {
  test.each([
    ['', 'implicit keep'],
    ['keep; keep;', 'keep'],
    ['discard;', 'discard'],
    ['discard; keep;', 'discard, keep'],
    ['stop; discard;', 'implicit keep'],
    ['redirect "a@example.com";', 'redirect a@example.com'],
    ['redirect "Ann <a@example.com>"; redirect "A@EXAMPLE.com";', 'redirect a@example.com'],
    ['require ["fileinto", "copy"]; fileinto :copy "a";', 'fileinto a, implicit keep'],
    ['require "fileinto"; fileinto "a"; fileinto "a"; fileinto "b";', 'fileinto a, fileinto b'],
    ['require "fileinto"; fileinto "INBOX"; keep;', 'keep'],
    ['require "reject"; reject "no";', 'reject'],
    ['require "vacation"; vacation "away";', 'vacation, implicit keep'],
    ['if false { discard; } elsif true { keep; } else { discard; }', 'keep'],
    ['require "ihave"; if ihave "no-such" { nonsense 3; } else { discard; }', 'discard'],
    ['require ["foreverypart", "fileinto"]; foreverypart { fileinto "p"; break; }', 'fileinto p'],
  ])('%s: %s', async (script, expected) => {
    expect(inShort(await play(script))).toBe(expected);
  });

  test('carry flags, and the last word on them holds', async () => {
    const { actions } = await play(
      'require ["imap4flags", "fileinto"]; setflag "\\\\Seen a A"; fileinto "x"; removeflag "a"; keep; fileinto :flags "b" "x";',
    );
    expect(actions).toMatchObject([{ flags: ['b'] }, { kind: 'keep', flags: ['\\Seen'] }]);
  });

  test('carry the header as it was edited when they were said', async () => {
    const { actions } = await play(
      'require ["editheader", "fileinto"]; fileinto "before"; addheader "X-A" "b\r\nEvil: c"; deleteheader "subject"; keep;',
    );
    expect(actions[0]).not.toHaveProperty('header');
    const header = Buffer.from((actions[1] as { header: Uint8Array }).header).toString();
    expect(header).toMatch(/^X-A: b\r\n Evil: c\r\nFrom: /);
    expect(header).not.toContain('Subject');
  });

  test('say why they are', async () => {
    const { actions, story } = await play('if exists "from" {\n  discard;\n}');
    expect(actions[0]?.because).toMatchObject({
      line: 2,
      text: 'discard, because of line 1: if exists "from"',
    });
    expect(story).toMatchObject([{ line: 1, text: 'if exists "from": yes' }]);
  });
});

describe('variables', () => {
  test.each([
    ['set "a" "x"; set "b" "${a}${A}${none}";', 'xx'],
    ['set :upper :lowerfirst "b" "hello";', 'hELLO'],
    ['set :length "b" "ünï";', '3'],
    ['set :quotewildcard "b" "*?\\\\";', '\\*\\?\\\\'],
    ['if header :matches "subject" "*from the *" { set "b" "${2}-${0}"; }', 'sale-Grüße from the sale'],
    ['if header :regex "subject" "from (t(h)e) (x)?" { set "b" "${1},${2},${3}"; }', 'the,h,'],
  ])('%s makes %j', async (script, expected) => {
    const outcome = await play(`require ["variables", "regex", "reject"]; ${script} reject "<\${b}>";`);
    expect(outcome.actions[0]).toMatchObject({ reason: `<${expected}>` });
  });

  test('are cut at their size, never through a character', async () => {
    const { actions } = await play('require ["variables","reject"]; set "a" "üüüü"; reject "${a}";', {
      limits: { variableSize: 5 },
    });
    expect(actions[0]).toMatchObject({ reason: 'üü' });
  });
});

describe('what goes wrong when it runs ends in the implicit keep, with its place', () => {
  const many = (line: string, times: number) =>
    Array.from({ length: times }, (_, at) => line.replace('#', String(at))).join('\n');
  test.each([
    ['require ["reject", "fileinto"];\nfileinto "a";\nreject "no";', 3, 'conflicts'],
    ['require "vacation";\nvacation "a";\nvacation "b";', 3, 'duplicate vacation'],
    [many('redirect "a#@example.com";', 5), 5, 'number of redirect actions exceeds'],
    [`require "fileinto";\n${many('fileinto "a#";', 33)}`, 34, 'total number of actions exceeds'],
    ['require ["variables", "fileinto"];\nset "a" "";\nfileinto "${a}";', 3, 'invalid folder name'],
    ['require "ihave";\nerror "as you wish";', 2, 'as you wish'],
  ])('%j', async (script, line, what) => {
    const outcome = await play(script);
    expect(inShort(outcome)).toBe('implicit keep');
    expect(outcome.problem).toMatchObject({ line, text: expect.stringContaining(what) });
  });

  test('also when it takes too much work', async () => {
    const outcome = await play(
      'require ["variables", "regex"]; if string :regex "aaaaaaaaaaaaaaaaaaaa" "(((a*)*)*)*b" { discard; }',
      {
        limits: { work: 500 },
      },
    );
    expect(outcome.problem?.text).toContain('too much time');
  });
});

describe('included scripts', () => {
  const scripts: Record<string, string> = {
    a: 'require ["variables", "include"]; global "g"; set "g" "from a"; set "l" "local"; return; discard;',
    loop: 'require "include"; include "loop";',
    bad: 'nonsense;',
  };
  const find = async (_: string, name: string) => scripts[name];

  test('share what is global and nothing else', async () => {
    const outcome = await play(
      'require ["variables", "include", "reject"]; global "g"; include "a"; reject "${g}/${l}";',
      { find },
    );
    expect(outcome.actions[0]).toMatchObject({ reason: 'from a/' });
  });

  test.each([
    ['include "loop";', 'includes itself'],
    ['include "none";', 'is not there'],
    ['include "bad";', "unknown command 'nonsense'"],
  ])('%s is refused when it is compiled', async (script, what) => {
    await expect(play(`require "include"; ${script}`, { find })).rejects.toThrow(what);
  });

  test('may be missing when that was said to be good', async () => {
    expect(inShort(await play('require "include"; include :optional "none";', { find }))).toBe(
      'implicit keep',
    );
  });
});

test('a duplicate is remembered by the caller, and only when the script ends well', async () => {
  const seen: string[] = [];
  const isDuplicate = async (id: string) => seen.includes(id);
  const script = 'require "duplicate"; if duplicate { discard; }';
  const first = await play(script, { isDuplicate });
  expect(inShort(first)).toBe('implicit keep');
  seen.push(...first.marks.map(({ id }) => id));
  expect(inShort(await play(script, { isDuplicate }))).toBe('discard');
});
