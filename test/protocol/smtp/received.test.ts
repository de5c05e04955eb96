import { expect, test } from 'vitest';
import {
  parseOwnReceived,
  printDate,
  printReceived,
  type ReceivedFacts,
  withKeyword,
} from '../../../src/protocol/smtp/received.ts';

const facts: ReceivedFacts = {
  helo: 'mail.example.com',
  ip: '192.0.2.7',
  by: 'mx.example.org',
  with: 'ESMTPS',
  id: 'Q00000000001',
  date: new Date('2026-11-24T05:06:07Z'),
};

test('a Received field is folded and says who, how, where, when', () => {
  const field = printReceived({
    ...facts,
    name: 'out.example.com',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    site: 'onprem',
    for: 'ada@example.org',
  });
  expect(field).toBe(
    [
      'Received: from mail.example.com (out.example.com [192.0.2.7])',
      '\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)',
      '\tby mx.example.org (Isthmus) with ESMTPS id Q00000000001 (site onprem)',
      '\tfor <ada@example.org>;',
      '\tTue, 24 Nov 2026 05:06:07 +0000',
      '',
    ].join('\r\n'),
  );
  expect(printReceived({ ...facts, ip: '2001:db8::1' })).toContain('([IPv6:2001:db8::1])');
});

test('no word of a stranger breaks out of its place', () => {
  const field = printReceived({ ...facts, helo: 'a)\r\nX: (b;<c>', name: 'd e' });
  expect(field.split('\r\n').filter((line) => !line.startsWith('\t'))).toHaveLength(2);
  expect(field).toContain('from a???X:??b??c? (d?e [192.0.2.7])');
});

test('our own field is known again, and nobody else’s', () => {
  const value = printReceived({ ...facts, site: 'cloud' })
    .slice('Received:'.length)
    .replaceAll('\r\n', '');
  const ours = new Set(['mx.example.org']);
  expect(parseOwnReceived(value, ours)).toEqual({ by: 'mx.example.org', id: 'Q00000000001', site: 'cloud' });
  expect(parseOwnReceived(value, new Set(['mx.example.net']))).toBeUndefined();
  expect(parseOwnReceived(value.replace('(Isthmus)', '(Postfix)'), ours)).toBeUndefined();
});

test.each([
  [{ lmtp: false, extended: false, utf8: false, tls: false, authenticated: false }, 'SMTP'],
  [{ lmtp: false, extended: true, utf8: false, tls: true, authenticated: true }, 'ESMTPSA'],
  [{ lmtp: false, extended: true, utf8: true, tls: true, authenticated: false }, 'UTF8SMTPS'],
  [{ lmtp: true, extended: true, utf8: false, tls: false, authenticated: false }, 'LMTP'],
  [{ lmtp: true, extended: true, utf8: true, tls: true, authenticated: true }, 'UTF8LMTPSA'],
])('%j is with %s', (words, keyword) => {
  expect(withKeyword(words)).toBe(keyword);
});

test('dates are those of RFC 5322', () => {
  expect(printDate(new Date('2026-01-02T03:04:05Z'))).toBe('Fri, 2 Jan 2026 03:04:05 +0000');
});
