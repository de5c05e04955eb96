import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeAddress } from '../../../src/mail/address.ts';
import { MailError } from '../../../src/mail/condition.ts';
import { printReply } from '../../../src/mail/reply.ts';
import { parseCommandLine } from '../../../src/protocol/smtp/command-line.ts';
import { type MailCommand, parseMail, printMail } from '../../../src/protocol/smtp/mail-command.ts';
import { parseRcpt, printRcpt } from '../../../src/protocol/smtp/rcpt-command.ts';
import { parseXclient } from '../../../src/protocol/smtp/xclient.ts';

const context = { smtputf8: false, postmasterDomain: 'mx.example.org' };
const utf8Context = { ...context, smtputf8: true };

/** The reply a parser refuses with. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof MailError) return printReply(error.reply);
    throw error;
  }
  return 'accepted';
}

test('an X.500 address of some hundred octets, enclosed by Exchange, is a mailbox', () => {
  const local = `IMCEAEX-_o=Contoso_ou=${'Exchange+20Administrative+20Group'.repeat(20)}_cn=ada`;
  expect(parseRcpt(`TO:<${local}@example.org>`, context).address.local).toBe(local);
  expect(refusal(() => parseRcpt(`TO:<${'x'.repeat(1400)}@example.org>`, context))).toMatch(/^553 5\.1\.3/);
});

test('XCLIENT with an empty LOGIN names nobody', () => {
  expect(parseXclient('LOGIN=')).toEqual({ account: undefined });
});

describe('a command line', () => {
  test('has a verb without regard to case, and the rest', () => {
    expect(parseCommandLine(Buffer.from('mail FROM:<a@b.example> '))).toEqual({
      verb: 'MAIL',
      argument: 'FROM:<a@b.example>',
    });
    expect(parseCommandLine(Buffer.from('NOOP'))).toEqual({ verb: 'NOOP', argument: '' });
    expect(parseCommandLine(Buffer.from(''))).toEqual({ verb: '', argument: '' });
  });

  test.each([
    ['NUL', Buffer.from('NOOP\0x')],
    ['bare CR', Buffer.from('NOOP\rQUIT')],
    ['broken UTF-8', Buffer.from([0x4e, 0xc3, 0x28])],
  ])('with %s is refused with 500 5.5.2', (_what, line) => {
    expect(refusal(() => parseCommandLine(line))).toMatch(/^500 5\.5\.2 /);
  });
});

describe('MAIL', () => {
  test.each([
    ['FROM:<ada@example.org>', { sender: 'ada@example.org', domain: 'example.org' }],
    ['from: <ada@example.org>', { sender: 'ada@example.org', domain: 'example.org' }],
    ['FROM:<"ada lovelace"@example.org>', { sender: '"ada lovelace"@example.org', local: 'ada lovelace' }],
    ['FROM:<"a@b>c\\"d"@example.org>', { sender: '"a@b>c\\"d"@example.org', local: 'a@b>c"d' }],
    [
      'FROM:<@one.example,@two.example:ada@example.org>',
      { sender: 'ada@example.org', domain: 'example.org' },
    ],
    ['FROM:<ada@[192.0.2.1]>', { sender: 'ada@[192.0.2.1]', domain: '[192.0.2.1]' }],
    ['FROM:<ada@[IPv6:2001:db8::1]>', { sender: 'ada@[IPv6:2001:db8::1]', domain: '[ipv6:2001:db8::1]' }],
    ['FROM:<ådä@bücher.example> SMTPUTF8', { sender: 'ådä@bücher.example', domain: 'xn--bcher-kva.example' }],
  ])('%s is understood', (argument, expected) => {
    const { sender } = parseMail(argument);
    expect({ sender: sender?.text, domain: sender?.domain, local: sender?.local }).toMatchObject(expected);
  });

  test('<> is the null reverse-path', () => {
    expect(parseMail('FROM:<> BODY=8BITMIME')).toEqual({
      sender: null,
      body: '8bitmime',
      smtputf8: false,
      requireTls: false,
    });
  });

  test('parameters are read', () => {
    expect(
      parseMail('FROM:<a@b.example> size=1000 BODY=7bit SMTPUTF8 RET=HDRS ENVID=e+2B1 REQUIRETLS AUTH=<>'),
    ).toMatchObject({
      size: 1000,
      body: '7bit',
      smtputf8: true,
      ret: 'hdrs',
      envid: 'e+1',
      requireTls: true,
    });
  });

  test.each([
    ['FROM:ada@example.org', '501 5.5.2'],
    ['TO:<ada@example.org>', '501 5.5.2'],
    ['', '501 5.5.2'],
    ['FROM:<ada@example.org', '501 5.5.2'],
    ['FROM:<ada@example.org>SIZE=1', '501 5.5.2'],
    ['FROM:<ada>', '553 5.1.7'],
    ['FROM:<ada@>', '553 5.1.7'],
    ['FROM:<@example.org>', '553 5.1.7'],
    ['FROM:<a..b@example.org>', '553 5.1.7'],
    ['FROM:<ada@exa mple.org>', '553 5.1.7'],
    [`FROM:<${'a'.repeat(1025)}@example.org>`, '553 5.1.7'],
    ['FROM:<ådä@example.org>', '553 5.6.7'],
    ['FROM:<ada@bücher.example>', '553 5.6.7'],
    ['FROM:<ada@example.org> FOO=BAR', '555 5.5.4'],
    ['FROM:<ada@example.org> HOLDFOR=60', '555 5.5.4'],
    ['FROM:<ada@example.org> SIZE=1 SIZE=2', '501 5.5.4'],
    ['FROM:<ada@example.org> SIZE=abc', '501 5.5.4'],
    ['FROM:<ada@example.org> SIZE', '501 5.5.4'],
    ['FROM:<ada@example.org> SIZE=', '501 5.5.4'],
    ['FROM:<ada@example.org> BODY=BINARYMIME', '501 5.5.4'],
    ['FROM:<ada@example.org> SMTPUTF8=yes', '501 5.5.4'],
    ['FROM:<ada@example.org> RET=ALL', '501 5.5.4'],
    ['FROM:<ada@example.org> ENVID=a+2', '501 5.5.4'],
    [`FROM:<ada@example.org> ENVID=${'a'.repeat(101)}`, '501 5.5.4'],
    ['FROM:<ada@example.org> REQUIRETLS=1', '501 5.5.4'],
    ['FROM:<ada@example.org> =1', '501 5.5.4'],
  ])('%s is refused with %s', (argument, reply) => {
    expect(refusal(() => parseMail(argument)).slice(0, reply.length)).toBe(reply);
  });

  test('what is printed is read back', () => {
    const address = fc
      .tuple(
        fc.string({ minLength: 1, maxLength: 30 }),
        fc.constantFrom('example.org', 'xn--bcher-kva.example'),
      )
      .map(([local, domain]) => makeAddress(local.replace(/[^\x20-\x7e]/g, 'x'), domain));
    const arbitrary: fc.Arbitrary<MailCommand> = fc
      .record({
        sender: fc.option(address, { nil: null }),
        body: fc.constantFrom('7bit' as const, '8bitmime' as const),
        smtputf8: fc.boolean(),
        requireTls: fc.boolean(),
        ret: fc.constantFrom(undefined, 'full' as const, 'hdrs' as const),
        envid: fc.option(fc.string({ minLength: 1, maxLength: 30 }), { nil: undefined }),
        size: fc.option(fc.nat(), { nil: undefined }),
      })
      .map(({ ret, envid, size, ...rest }) => ({
        ...rest,
        ...(ret && { ret }),
        ...(envid && { envid: envid.replace(/[^\x20-\x7e]/g, 'x') }),
        ...(size === undefined ? {} : { size }),
      }));
    fc.assert(
      fc.property(arbitrary, (mail) => {
        expect(parseMail(printMail(mail).slice('MAIL '.length))).toEqual(mail);
      }),
      { seed: 3 },
    );
  });
});

describe('RCPT', () => {
  test('postmaster needs no domain', () => {
    expect(parseRcpt('TO:<Postmaster>', context).address.text).toBe('Postmaster@mx.example.org');
  });

  test('NOTIFY and ORCPT are read', () => {
    expect(
      parseRcpt('TO:<ada@example.org> NOTIFY=success,DELAY ORCPT=rfc822;a+2Bb@example.org', context),
    ).toMatchObject({ notify: ['success', 'delay'], orcpt: 'rfc822;a+b@example.org' });
    expect(parseRcpt('TO:<ada@example.org> NOTIFY=NEVER', context).notify).toEqual(['never']);
    expect(parseRcpt('TO:<ada@example.org> ORCPT=utf-8;\\x{E5}da@example.org', context).orcpt).toBe(
      'utf-8;åda@example.org',
    );
    expect(parseRcpt('TO:<åda@example.org> ORCPT=utf-8;åda@example.org', utf8Context).orcpt).toBe(
      'utf-8;åda@example.org',
    );
  });

  test.each([
    ['TO:ada@example.org', '501 5.5.2'],
    ['TO:<>', '553 5.1.3'],
    ['TO:<ada>', '553 5.1.3'],
    ['TO:<åda@example.org>', '553 5.6.7'],
    ['TO:<ada@example.org> SIZE=1', '555 5.5.4'],
    ['TO:<ada@example.org> NOTIFY=NEVER,DELAY', '501 5.5.4'],
    ['TO:<ada@example.org> NOTIFY=SOMETIMES', '501 5.5.4'],
    ['TO:<ada@example.org> NOTIFY=DELAY,DELAY', '501 5.5.4'],
    ['TO:<ada@example.org> NOTIFY', '501 5.5.4'],
    ['TO:<ada@example.org> NOTIFY=NEVER NOTIFY=DELAY', '501 5.5.4'],
    ['TO:<ada@example.org> ORCPT=ada@example.org', '501 5.5.4'],
    ['TO:<ada@example.org> ORCPT=rfc822;a+0D+0Ab', '501 5.5.4'],
    ['TO:<ada@example.org> ORCPT=utf-8;åda@example.org', '501 5.5.4'],
  ])('%s is refused with %s', (argument, reply) => {
    expect(refusal(() => parseRcpt(argument, context)).slice(0, reply.length)).toBe(reply);
  });

  test('what is printed is read back', () => {
    for (const argument of [
      'TO:<ada@example.org>',
      'TO:<"a b"@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@example.org',
      'TO:<ada@example.org> NOTIFY=NEVER ORCPT=utf-8;\\x{E5}da@example.org',
    ]) {
      expect(printRcpt(parseRcpt(argument, context))).toBe(`RCPT ${argument}`);
    }
  });

  test('no text makes a parser do anything but answer or refuse', () => {
    const words = fc.array(
      fc.constantFrom(
        'TO:',
        'FROM:',
        '<',
        '>',
        '"',
        '\\',
        '@',
        ' ',
        'a',
        'example.org',
        'ORCPT=',
        'NOTIFY=',
        '+',
        '=',
        ';',
        'å',
        '[',
        ']',
        ':',
        ',',
      ),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(words, (parts) => {
        const text = parts.join('');
        refusal(() => parseMail(text));
        refusal(() => parseRcpt(text, context));
        refusal(() => parseRcpt(text, utf8Context));
        refusal(() => parseXclient(text));
      }),
      { seed: 4, numRuns: 2000 },
    );
  });
});

describe('XCLIENT', () => {
  test('attributes are read', () => {
    expect(
      parseXclient('NAME=Mail.Example.com. ADDR=IPV6:2001:DB8::1 PORT=2525 PROTO=ESMTP HELO=me LOGIN=a+2Bb'),
    ).toEqual({
      name: 'mail.example.com',
      ip: '2001:db8::1',
      port: 2525,
      extended: true,
      helo: 'me',
      account: 'a+b',
    });
    expect(parseXclient('NAME=[UNAVAILABLE] ADDR=192.0.2.7')).toEqual({ name: undefined, ip: '192.0.2.7' });
  });

  test.each([
    [''],
    ['FOO=1'],
    ['ADDR=nonsense'],
    ['NAME=a+0D+0Ab'],
    ['NAME=a(b'],
    ['ADDR=192.0.2.1 ADDR=192.0.2.2'],
    ['HELO=a+20b'],
    ['PORT=x'],
    ['PROTO=HTTP'],
  ])('"%s" is refused', (argument) => {
    expect(refusal(() => parseXclient(argument))).toMatch(/^501 /);
  });
});
