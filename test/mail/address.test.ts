import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressKey,
  enclosedX500,
  makeAddress,
  needsSmtpUtf8,
  parseAddress,
  parseDomain,
  printPath,
  sameAddress,
  withoutDetail,
} from '../../src/mail/address.ts';

describe('what is an address', () => {
  test.each([
    ['ada@example.org', 'ada', 'example.org'],
    ['Ada.Lovelace@Example.ORG', 'Ada.Lovelace', 'example.org'],
    ['"ada lovelace"@example.org', 'ada lovelace', 'example.org'],
    ['"a@b"@example.org', 'a@b', 'example.org'],
    ['"a\\"b\\\\c"@example.org', 'a"b\\c', 'example.org'],
    ['""@example.org', '', 'example.org'],
    ['ada+lists@example.org', 'ada+lists', 'example.org'],
    ['jürgen@bücher.example', 'jürgen', 'xn--bcher-kva.example'],
    ['ada@[192.0.2.1]', 'ada', '[192.0.2.1]'],
    ['ada@[IPv6:2001:DB8::1]', 'ada', '[ipv6:2001:db8::1]'],
    ["o'hara/x=y@example.org", "o'hara/x=y", 'example.org'],
  ])('%s', (text, local, domain) => {
    expect(parseAddress(text)).toEqual({ text, local, domain });
  });
});

describe('what is none', () => {
  test.each([
    '',
    'ada',
    '@example.org',
    'ada@',
    'ada@@example.org',
    '.ada@example.org',
    'ada.@example.org',
    'a..b@example.org',
    'a b@example.org',
    '"ada@example.org',
    'ada@exa mple.org',
    'ada@example..org',
    'ada@-example.org',
    'ada@example.org.',
    'ada\r\n@example.org',
    'ada\u0000@example.org',
    '"a\rb"@example.org',
    `${'a'.repeat(1025)}@example.org`,
    `ada@${'a'.repeat(64)}.org`,
    `ada@${'abcdefgh.'.repeat(30)}org`,
    'ada@[999]x',
    'ada@bücher.example/more',
    'ada@bücher%2Eexample',
    'ada@bü\tcher.example',
  ])('%j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

test('case, quoting and the spelling of the domain make no difference to whose address it is', () => {
  const same = [
    'ada@bücher.example',
    'ADA@BÜCHER.example',
    '"ada"@xn--bcher-kva.example',
    'Ada@XN--BCHER-KVA.EXAMPLE',
  ];
  expect(new Set(same.map((text) => addressKey(parseAddress(text)!))).size).toBe(1);
  expect(sameAddress(parseAddress('ada@example.org')!, parseAddress('ada@example.com')!)).toBe(false);
});

test('composed and decomposed letters are the same letter', () => {
  expect(addressKey(parseAddress('jürgen@example.org')!)).toBe(
    addressKey(parseAddress('ju\u0308rgen@example.org')!),
  );
});

test('the detail is what follows the separator, and an address may have none', () => {
  expect(withoutDetail(parseAddress('Ada+lists+x@example.org')!)?.text).toBe('Ada@example.org');
  expect(withoutDetail(parseAddress('ada@example.org')!)).toBeUndefined();
  expect(withoutDetail(parseAddress('+x@example.org')!)).toBeUndefined();
  expect(withoutDetail(parseAddress('ada-x@example.org')!, '-')?.text).toBe('ada@example.org');
});

test('an X.500 address comes out of the local part that encloses it', () => {
  const enclosed = (text: string) => enclosedX500(parseAddress(text)!);
  expect(enclosed('IMCEAEX-_o=Contoso_ou=Sales+20+28North+29_cn=ada@example.org')).toBe(
    '/o=Contoso/ou=Sales (North)/cn=ada',
  );
  expect(enclosed('imceaex-ada@example.org')).toBeUndefined();
  expect(enclosed('ada@example.org')).toBeUndefined();
});

test('SMTPUTF8 is needed for a local part that is not ASCII, and for nothing else', () => {
  expect(needsSmtpUtf8(parseAddress('jürgen@example.org')!)).toBe(true);
  expect(needsSmtpUtf8(parseAddress('ada@bücher.example')!)).toBe(false);
});

test('the null reverse-path is printed as such', () => {
  expect(printPath(null)).toBe('<>');
  expect(printPath(parseAddress('ada@example.org')!)).toBe('<ada@example.org>');
});

test('whatever local part is made into an address is read back as the same', () => {
  const local = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'ab.+ "\\@<>(),:;ü-_\'') });
  fc.assert(
    fc.property(local, (text) => {
      const made = makeAddress(text, 'example.org');
      expect(parseAddress(made.text)?.local).toBe(text);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('no input makes the parser throw, and what it takes has no line ends, spaces outside quotes or angle brackets', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => {
      const address = parseAddress(text);
      if (address !== undefined) {
        expect(address.text).not.toMatch(/[\r\n\0]/);
        expect(address.domain).toBe(parseDomain(address.domain));
      }
    }),
    { seed: 2, numRuns: 2_000 },
  );
});
