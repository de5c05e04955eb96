/** Delivery reports: one printed whole, and properties: what is printed parses back, whatever peers and senders say. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAddress } from '../../src/mail/address.ts';
import { escapeUnicode, field, printDate, statusOf, unescapeUnicode } from '../../src/protocol/dsn/fields.ts';
import { parseReport } from '../../src/protocol/dsn/parse.ts';
import { printReport, type Report } from '../../src/protocol/dsn/report.ts';

const seed = 20261125;

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`no address: ${text}`);
  return parsed;
};

const report: Report = {
  mta: 'gate.example',
  from: 'Mail Delivery System <postmaster@gate.example>',
  to: address('ada@example.org'),
  messageId: '<1@gate.example>',
  date: new Date('2026-11-25T08:05:09Z'),
  boundary: 'report_1',
  utf8: false,
  envid: 'QQ314159',
  arrival: new Date('2026-11-25T08:00:00Z'),
  about: '<m1@example.org>',
  recipients: [
    {
      recipient: address('bob@example.net'),
      orcpt: 'rfc822;robert@example.net',
      action: 'failed',
      reply: { code: 550, enhanced: '5.1.1', lines: ['No such mailbox'] },
      peer: { host: 'mx.example.net', ip: '192.0.2.25', port: 25 },
      at: new Date('2026-11-25T08:05:00Z'),
    },
  ],
  returned: { bytes: Buffer.from('Subject: hello\r\n'), full: false, eightBit: false, utf8Header: false },
};

test('an addressee whose domain alone is beyond ASCII is printed by its A-label: the header needs no SMTPUTF8', () => {
  const text = printReport({ ...report, to: address('ada@bücher.example') }).toString();
  expect(text).toContain('\r\nTo: <ada@xn--bcher-kva.example>\r\n');
});

test('a report of failure, word for word', () => {
  expect(printReport(report).toString()).toBe(
    [
      'Date: Wed, 25 Nov 2026 08:05:09 +0000',
      'From: Mail Delivery System <postmaster@gate.example>',
      'To: <ada@example.org>',
      'Subject: Not delivered: your message did not reach everybody',
      'Message-ID: <1@gate.example>',
      'References: <m1@example.org>',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status;',
      ' boundary="report_1"',
      '',
      'This is a delivery report in MIME format.',
      '',
      '--report_1',
      'Content-Type: text/plain; charset=us-ascii',
      'Content-Transfer-Encoding: 7bit',
      '',
      'This is the mail system at gate.example.',
      '',
      'Your message could not be delivered to the recipients below. It will not be',
      'tried again.',
      'It came to us on Wed, 25 Nov 2026 08:00:00 +0000.',
      '',
      '<bob@example.net>',
      '    mx.example.net [192.0.2.25] said: 550 5.1.1 No such mailbox',
      '    Please check the address, and send the message again to the right one.',
      '',
      'The technical details and the header of your message follow.',
      '',
      '--report_1',
      'Content-Type: message/delivery-status',
      '',
      'Original-Envelope-Id: QQ314159',
      'Reporting-MTA: dns; gate.example',
      'Arrival-Date: Wed, 25 Nov 2026 08:00:00 +0000',
      '',
      'Original-Recipient: rfc822; robert@example.net',
      'Final-Recipient: rfc822; bob@example.net',
      'Action: failed',
      'Status: 5.1.1',
      'Remote-MTA: dns; mx.example.net',
      'Diagnostic-Code: smtp; 550 5.1.1 No such mailbox',
      'Last-Attempt-Date: Wed, 25 Nov 2026 08:05:00 +0000',
      '',
      '--report_1',
      'Content-Type: text/rfc822-headers',
      '',
      'Subject: hello',
      '',
      '--report_1--',
      '',
    ].join('\r\n'),
  );
});

const text = fc.string({ unit: 'binary', maxLength: 80 });
const recipient = fc.constantFrom(
  'bob@example.net',
  'jürgen@bücher.example',
  '"a b"@example.net',
  'x+y@example.net',
);

test('whatever peers, senders and addresses say, it is one report that parses back, with lines that may be sent', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.record({ recipient, said: text, host: text, orcpt: fc.option(text, { nil: undefined }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      text,
      fc.option(text, { nil: undefined }),
      fc.constantFrom('failed', 'delayed', 'relayed', 'expanded', 'delivered') as fc.Arbitrary<'failed'>,
      (utf8, recipients, envid, about, action) => {
        const printed = printReport({
          ...report,
          utf8,
          envid,
          ...(about === undefined ? {} : { about }),
          recipients: recipients.map(({ recipient: to, said, host, orcpt }) => ({
            recipient: address(to),
            ...(orcpt === undefined ? {} : { orcpt: `rfc822;${orcpt}` }),
            action,
            reply: { code: 550, lines: [said, said] },
            peer: { host, ip: '192.0.2.25', port: 25 },
            at: report.date,
          })),
        });
        const parsed = parseReport(printed);
        expect(parsed?.recipients.map((one) => one.final)).toEqual(recipients.map((one) => one.recipient));
        expect(parsed?.recipients.every((one) => one.action === action)).toBe(true);
        expect(parsed?.returned?.toString()).toBe('Subject: hello\r\n');
        const lines = printed.toString('latin1').split('\r\n');
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998);
        expect(lines.every((line) => !/[\r\n\0]/.test(line))).toBe(true);
        if (!utf8) expect(printed.every((octet) => octet < 0x80)).toBe(true);
      },
    ),
    { seed },
  );
});

test('parsing survives any octets', () => {
  const printed = printReport(report);
  fc.assert(
    fc.property(fc.nat(printed.length - 1), fc.uint8Array({ maxLength: 20 }), (at, noise) => {
      const broken = Buffer.concat([printed.subarray(0, at), noise, printed.subarray(at + noise.length)]);
      expect(() => parseReport(broken)).not.toThrow();
    }),
    { seed, numRuns: 300 },
  );
  expect(parseReport(Buffer.from('Subject: x\r\n\r\nno report'))).toBeUndefined();
});

test('escapes of RFC 6533 go there and back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (some) => {
      expect(escapeUnicode(some)).toMatch(/^[\x21-\x7e]*$/);
      expect(unescapeUnicode(escapeUnicode(some))).toBe(some);
    }),
    { seed },
  );
});

test.each([
  ['failed', '5.1.1', '5.1.1'],
  ['failed', '4.4.1', '5.4.1'],
  ['failed', undefined, '5.0.0'],
  ['delayed', '4.2.2', '4.2.2'],
  ['delayed', '5.7.1', '4.7.1'],
  ['relayed', '2.1.5', '2.1.5'],
  ['expanded', undefined, '2.0.0'],
  ['failed', 'nonsense', '5.0.0'],
])('action %s with reply %s has status %s', (action, enhanced, expected) => {
  expect(statusOf(action, { code: 550, ...(enhanced === undefined ? {} : { enhanced }), lines: [] })).toBe(
    expected,
  );
});

test('fields are folded, and hold no line of anybody else', () => {
  expect(field('A', 'x\r\nBcc: evil')).toBe('A: x Bcc: evil\r\n');
  const long = field('A', `${'word '.repeat(100)}`);
  expect(long.split('\r\n').every((line) => line.length <= 78)).toBe(true);
  expect(printDate(new Date('2026-01-02T03:04:05Z'))).toBe('Fri, 2 Jan 2026 03:04:05 +0000');
});
