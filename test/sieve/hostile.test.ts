// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of Sieve, not of this language
/**
 * Scripts and messages that mean no good: what they cost is bounded and counted, and nothing they put into mail of ours
 * breaks its lines. Costs are told by steps of work and by how often things are done, never by the clock.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOctets, encodeOctets } from '../../src/protocol/sieve/octets.ts';
import { notifyMessage } from '../../src/sieve/compose/notify.ts';
import { rejectReport } from '../../src/sieve/compose/reject.ts';
import { usualVacation, vacationReply } from '../../src/sieve/compose/vacation.ts';
import { decodeBase64, decodeQuotedPrintable } from '../../src/sieve/message/charset.ts';
import { parseHeader } from '../../src/sieve/message/header.ts';
import { htmlToText } from '../../src/sieve/message/html.ts';
import { play } from './scene.ts';

describe('octets', () => {
  test('any octets come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect([...encodeOctets(decodeOctets(octets))]).toEqual([...octets]);
      }),
    );
  });

  test('well-formed parts are text, all else is one surrogate each, as the platform sees it', () => {
    const piece = fc.oneof(
      fc.constantFrom('é', 'x', '€', '😀').map((text) => Buffer.from(text)),
      fc
        .constantFrom(
          [0xff],
          [0xc3],
          [0xe2, 0x82],
          [0xed, 0xa0, 0x80],
          [0xc0, 0xaf],
          [0xf0, 0x80, 0x80, 0x80],
          [0xf4, 0x90, 0x80, 0x80],
          [0xf5],
        )
        .map((octets) => Buffer.from(octets)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = decodeOctets(Buffer.concat(pieces));
        expect(encodeOctets(text)).toEqual(Buffer.concat(pieces));
        // What the platform replaces is what we keep as surrogates, octet for octet.
        const plain = text.replace(/(?<![\ud800-\udbff])[\udc80-\udcff]/g, '');
        expect(plain.isWellFormed()).toBe(true);
        expect(plain).toBe(new TextDecoder().decode(Buffer.concat(pieces)).replaceAll('\ufffd', ''));
      }),
    );
  });
});

describe('quoted-printable', () => {
  test.each([
    ['=41=e9=E9', 'A\u00e9\u00e9'],
    ['a=\r\nb=\nc', 'abc'],
    ['a= \t\r\nb', 'ab'],
    ['a  \r\nb\t\nc  ', 'a\r\nb\nc'],
    ['a =20 \r\nb', 'a  \r\nb'],
    ['=4 =zz =', '=4 =zz ='],
    ['a\rb\r', 'a\rb\r'],
    ['', ''],
  ])('%j is %j', (encoded, decoded) => {
    expect(decodeQuotedPrintable(Buffer.from(encoded, 'latin1')).toString('latin1')).toBe(decoded);
  });

  test('any octets, encoded, come back; in part, their beginning', () => {
    const encode = (octets: Uint8Array): string =>
      [...octets]
        .map(
          (octet, at) =>
            `=${octet.toString(16).padStart(2, '0').toUpperCase()}${at % 20 === 19 ? '=\r\n' : ''}`,
        )
        .join('');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(120), (octets, most) => {
        const encoded = Buffer.from(encode(octets));
        expect(Uint8Array.from(decodeQuotedPrintable(encoded))).toEqual(octets);
        expect(Uint8Array.from(decodeQuotedPrintable(encoded, most))).toEqual(octets.slice(0, most));
        const letters = Buffer.from(octets).toString('base64').replace(/.{7}/g, '$&\r\n');
        expect(Uint8Array.from(decodeBase64(letters, most))).toEqual(octets.slice(0, most));
      }),
    );
  });
});

describe('HTML', () => {
  test.each([
    ['<p>Hello <b>you</b></p>', '\r\nHello you'],
    ['a<br/>b<BR>c', 'a\r\nb\r\nc'],
    ['<style>p { x }</style >a<script>if (a < b) "</p>"</script>b', ' a b'],
    ['a<!-- <p> -->b<!-- open', 'ab'],
    ['1 < 2 &lt; 3 &#65;&#x42;&nix;', '1 < 2 < 3 AB&nix;'],
    ['a<script>b', 'a '],
    ['a<p b', 'a\r\n'],
    ['<!DOCTYPE html><title>t</title>x', ' x'],
    ['<pre>a</pre><header>b</header>', 'ab'],
  ])('%j is %j', (html, text) => {
    expect(htmlToText(html)).toBe(text);
  });

  test('is read once, whatever is left open', () => {
    // Quadratic, each of these took minutes at this length; the runner's own limit is five seconds.
    for (const unit of [
      '<script ',
      '<p ',
      '<!-- ',
      '<a',
      '<',
      '</script',
      '<title>',
      '&',
      '</',
      '<style></style ',
    ])
      expect(htmlToText(unit.repeat(400_000)).length).toBeLessThanOrEqual(unit.length * 400_000);
  });
});

const long = 'x'.repeat(16_000);

test('each reference to a variable costs what it brings, and a string has an end', async () => {
  const references = '${a}'.repeat(60);
  const script = (count: number) =>
    `require "variables"; set "a" "${long}"; ${`if string "b" "${references}" { stop; }`.repeat(count)}`;
  const once = await play(script(1));
  const often = await play(script(11));
  expect(once.problem).toBeUndefined();
  expect(often.work - once.work).toBeGreaterThan((10 * 60 * 16_000) / 16);
  const endless = await play(
    `require "variables"; set "a" "${long}"; if string "b" "${'${a}'.repeat(100)}" { stop; }`,
  );
  expect(endless.problem?.text).toContain('too long');
});

test('a large body costs by its size each time it is asked for, and in the end the script fails', async () => {
  const body = '=E4=F6=FC '.repeat(200_000);
  const message = `Content-Type: text/plain; charset=x-nobody\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}\r\n`;
  const test_ = 'if body :contains "nothing like it" { stop; }';
  const once = await play(`require "body"; ${test_}`, { message });
  const twice = await play(`require "body"; ${test_}${test_}`, { message });
  expect(once.problem).toBeUndefined();
  expect(twice.work - once.work).toBeGreaterThan(body.length / 8);
  const tired = await play(`require "body"; ${test_.repeat(200)}`, { message, limits: { work: 5_000_000 } });
  expect(tired.problem?.text).toContain('too much time');
}, 30_000);

const parts = (count: number): string =>
  [
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...Array.from(
      { length: count },
      (_, n) => `--b\r\nContent-Type: text/plain\r\n\r\npart ${n} ${'y'.repeat(1_000)}`,
    ),
    '--b--',
    '',
  ].join('\r\n');

test('an edited header has the parts read again only where it says something else about them, and that is counted', async () => {
  const edits = (field: string) =>
    `require ["editheader", "body", "foreverypart", "mime"]; ${`addheader "${field}"; if header :mime :anychild :contains "X-None" "q" { stop; }`.repeat(10)}`;
  const message = parts(50);
  const harmless = await play(edits('X-A" "b'), { message });
  const reread = message.length / 16;
  expect(harmless.problem).toBeUndefined();
  expect(harmless.work).toBeLessThan(10 * reread);
  const turning = Array.from(
    { length: 10 },
    (_, n) =>
      `addheader "Content-Type" "text/x${n}"; if header :mime :anychild :contains "X-None" "q" { stop; }`,
  );
  const turned = await play(`require ["editheader", "mime"]; ${turning.join('')}`, { message });
  expect(turned.work).toBeGreaterThan(9 * reread);
});

test('a script lets others run', async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 0);
  const message = `Subject: x\r\n\r\n${'z'.repeat(1_000_000)}`;
  const outcome = await play(`require "body"; ${'if body :contains "nothing" { stop; }'.repeat(60)}`, {
    message,
  });
  clearInterval(timer);
  expect(outcome.work).toBeGreaterThan(2_000_000);
  expect(turns).toBeGreaterThan(0);
});

describe('what a script says in mail of ours', () => {
  const origin = { now: new Date('2026-11-25T12:00:00Z'), hostname: 'mx.example.net', unique: () => 'u1' };
  const { header } = parseHeader(
    Buffer.from(
      'From: Ada <ada@example.org>\r\nTo: bob@example.net\r\nSubject: =?utf-8?Q?a=00b=0Dc=0Ad?=\r\n\r\n',
    ),
  );
  const envelope = { from: 'ada@example.org', to: 'bob@example.net' };
  const because = { script: 's', line: 1, column: 1, text: '' };
  const contents = (text: string): (Buffer | undefined)[] => {
    const vacation = (mime: boolean) => {
      const action = {
        kind: 'vacation',
        seconds: 0,
        addresses: [],
        mime,
        reason: text,
        subject: text,
        handle: '',
        because,
      } as const;
      const result = vacationReply(action, {
        header,
        envelope,
        ownAddresses: [],
        origin,
        settings: usualVacation,
      });
      return 'reply' in result ? result.reply.content : undefined;
    };
    const notice = notifyMessage(
      { kind: 'notify', method: 'mailto:x@example.com', message: text, importance: 2, options: [], because },
      { header, envelope, owner: 'bob@example.net', origin },
    );
    return [
      vacation(false),
      vacation(true),
      'message' in notice ? notice.message.content : undefined,
      rejectReport({ kind: 'reject', reason: text, because }, { header, envelope, origin })?.content,
    ];
  };

  test('has CRLF lines, no NUL, and lines that mail may have', () => {
    const words = fc.array(
      fc.constantFrom(
        'a',
        'é',
        '\0',
        '\r',
        '\n',
        '\r\n',
        ' ',
        '.',
        'x'.repeat(1_200),
        'Content-Type: text/plain',
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(words, (some) => {
        for (const content of contents(some.join(''))) {
          const text = content?.toString('latin1') ?? '';
          expect(text).not.toBe('');
          expect(text).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n/);
          expect(text.endsWith('\r\n')).toBe(true);
        }
      }),
      { seed: 29 },
    );
    for (const [at, content] of contents(`short\r\n${'é'.repeat(2_000)}`).entries()) {
      // With :mime the owner encodes for himself.
      if (at === 1) continue;
      const longest = Math.max(
        ...(content?.toString('latin1') ?? '').split('\r\n').map((line) => line.length),
      );
      expect(longest).toBeLessThanOrEqual(998);
    }
  });

  test('a field of :mime cannot bring another one behind a bare CR', () => {
    const [, mime] = contents('Content-Type: text/plain\rX-Smuggled: yes\r\n\r\nHello.');
    expect(mime?.toString()).not.toMatch(/^X-Smuggled/m);
  });
});
