// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of Sieve, not of this language
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeOctets } from '../../src/protocol/sieve/octets.ts';
import { compile } from '../../src/sieve/compile.ts';
import { emptyWorld } from '../../src/sieve/environment.ts';
import { defaultLimits } from '../../src/sieve/limits.ts';
import { parseAddressList } from '../../src/sieve/message/addresses.ts';
import { messageOf } from '../../src/sieve/message/message.ts';
import { parseParameters } from '../../src/sieve/message/parameters.ts';
import { run } from '../../src/sieve/run.ts';
import { extensions } from '../../src/sieve/vocabulary.ts';
import { message } from './scene.ts';

const seed = 2026;
const require = `require [${extensions.map((name) => `"${name}"`).join(', ')}];\n`;

const text = fc.constantFrom(
  '"a"',
  '"subject"',
  '"from"',
  '["to", "cc"]',
  '"*a*"',
  '"${1}${a}"',
  '"(a|b)*$"',
  '"ada@example.org"',
  '"INBOX"',
  '"\\\\Seen"',
  '"${hex:ff}"',
  '"gt"',
  '"year"',
  '"mailto:a@b.example"',
  '""',
  '"0"',
);
const tag = fc.constantFrom(
  '',
  ':is',
  ':contains',
  ':matches',
  ':regex',
  ':count "ge"',
  ':value "lt"',
  ':index 1',
  ':last',
  ':mime',
  ':anychild',
  ':all',
  ':detail',
  ':raw',
  ':text',
  ':content "text"',
  ':copy',
  ':create',
  ':flags "a"',
  ':days 1',
  ':percent',
  ':zone "+0100"',
  ':length',
  ':upper',
  ':first 3',
);
const name = fc.constantFrom(
  'header',
  'address',
  'envelope',
  'exists',
  'body',
  'string',
  'date',
  'currentdate',
  'hasflag',
  'duplicate',
  'environment',
  'mailboxexists',
  'spamtest',
  'valid_notify_method',
  'ihave',
  'size',
  'true',
  'metadata',
);
const command = fc.constantFrom(
  'keep',
  'fileinto',
  'redirect',
  'discard',
  'set',
  'addflag',
  'vacation',
  'reject',
  'notify',
  'addheader',
  'deleteheader',
  'extracttext',
  'stop',
  'error',
  'global',
  'include',
  'break',
  'return',
);
const call = (names: fc.Arbitrary<string>) =>
  fc
    .tuple(names, fc.array(tag, { maxLength: 2 }), fc.array(text, { maxLength: 3 }))
    .map((all) => all.flat(2).join(' '));
const line = fc.oneof(
  call(command).map((one) => `${one};`),
  fc.tuple(call(name), call(command)).map(([test_, then]) => `if ${test_} { ${then}; } else { keep; }`),
  call(command).map((one) => `foreverypart { ${one}; }`),
);

async function play(script: string, octets: Uint8Array): Promise<'bad' | 'ran'> {
  const { script: compiled, problems } = await compile(script);
  if (compiled === undefined) {
    expect(problems.length).toBeGreaterThan(0);
    return 'bad';
  }
  const limits = { ...defaultLimits, work: 200_000 };
  const outcome = await run(
    compiled,
    {
      ...emptyWorld,
      message: messageOf(octets),
      envelope: { from: '', to: 'a@b.example' },
      now: new Date(0),
    },
    { limits },
  );
  expect(outcome.actions.length).toBeLessThanOrEqual(limits.actions + 1);
  if (outcome.problem) expect(outcome.actions).toMatchObject([{ kind: 'keep', implicit: true }]);
  return 'ran';
}

test('scripts of any words end, well or with a problem, and lose no message', async () => {
  let ran = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 12 }), async (lines) => {
      // Most lines of random words are refused; those that are not are run together.
      const good: string[] = [];
      for (const one of lines)
        if ((await play(require + one, Buffer.from(message))) === 'ran') good.push(one);
      if (good.length > 0 && (await play(require + good.join('\n'), Buffer.from(message))) === 'ran')
        ran += 1;
    }),
    { seed, numRuns: 3000 },
  );
  expect(ran).toBeGreaterThan(100);
});

test('messages of any octets are looked at by every test without harm', async () => {
  const script = `${require}
if anyof (header :matches "subject" "*x", address :detail "from" "y", body :contains "zzz", body :raw :regex "q+$",
  header :mime :anychild :param "name" "content-type" "n", date :originalzone "date" "std11" "z") { discard; }
foreverypart { extracttext "t"; if string :contains "\${t}" "never" { stop; } }
addheader "X" "y"; deleteheader "subject"; keep;`;
  const piece = fc.oneof(
    fc
      .constantFrom(
        'Subject: x\r\n',
        'From: <a+y@b>, "q\\" c@d\r\n',
        'Content-Type: multipart/mixed; boundary="b"\r\n',
        'Content-Type: message/rfc822\r\n',
        'Content-Transfer-Encoding: base64\r\n',
        '\r\n',
        '--b\r\n',
        '--b--',
        ' =?utf-8?q?=zz?=',
        'Date: 1 Jan 2020 00:00:00 +9999\r\n',
        ';',
        '(',
        '\n',
        ':',
      )
      .map((one) => Buffer.from(one)),
    fc.uint8Array({ maxLength: 20 }).map((one) => Buffer.from(one)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      expect(await play(script, Buffer.concat(pieces))).toBe('ran');
    }),
    { seed, numRuns: 1000 },
  );
});

test('addresses and parameters are read from any text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }).map(decodeOctets), (value) => {
      parseAddressList(value);
      parseParameters(value);
    }),
    { seed, numRuns: 2000 },
  );
});

test.each([
  ['white space', ' '.repeat(200_000)],
  ['open parentheses', '('.repeat(200_000)],
  ['quotes', '"\\'.repeat(100_000)],
  ['semicolons', '; a='.repeat(50_000)],
  ['encoded words', '=?a?b?'.repeat(30_000)],
  ['angles', '<@a:'.repeat(50_000)],
])('a header of many %s is read in time', async (_, value) => {
  const octets = Buffer.from(
    `Subject: ${value}\r\nFrom: ${value}\r\nContent-Type: text/plain${value}\r\n\r\n${value}`,
  );
  const script = `${require}if anyof (header :matches "subject" "*never", address "from" "never", header :mime :param "x" "content-type" "never", body :contains "never") { discard; }`;
  expect(await play(script, octets)).toBe('ran');
});
