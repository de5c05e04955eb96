/** What is kept beside a body: thread, references, dates, keys to sort by, preview. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StructureScanner } from '../../src/protocol/mime/structure.ts';
import { type Description, describe as described } from '../../src/store/describe.ts';
import { openSetting, put } from './messages-setting.ts';

function of(message: string | Buffer): Description {
  const octets = Buffer.from(message);
  const scanner = new StructureScanner();
  scanner.push(octets);
  return described(scanner.finish(), octets, createHash('sha256').update(octets).digest());
}
const message = (header: string[], text = 'Hello'): string => [...header, '', text, ''].join('\r\n');

describe('threads', () => {
  const thread = (...header: string[]): string => of(message(header)).thread.toString('hex');

  test('a message, its answer and the answer to that are one', () => {
    const root = thread('Message-ID: <a@x>');
    expect(thread('Message-ID: <b@x>', 'In-Reply-To: <a@x>')).toBe(root);
    expect(thread('Message-ID: <c@x>', 'In-Reply-To: <b@x>', 'References: <a@x>\r\n <b@x>')).toBe(root);
    expect(thread('Message-ID: <d@x>', 'References: junk <a@x><b@x>')).toBe(root);
    expect(thread('Message-ID: <e@x>')).not.toBe(root);
  });

  test('messages without any id are alone', () => {
    expect(thread('Subject: one')).not.toBe(thread('Subject: two'));
  });

  test('references are kept in order, the root and the nearest of very many', () => {
    expect(of(message(['References: <a@x> <b@x>', 'In-Reply-To: <c@x>'])).references).toEqual([
      '<a@x>',
      '<b@x>',
    ]);
    expect(of(message(['In-Reply-To: <c@x> <d@x>'])).references).toEqual(['<c@x>']);
    const many = Array.from({ length: 500 }, (_, index) => `<${index}@x>`);
    const kept = of(message([`References: ${many.join('\r\n ')}`])).references;
    expect(kept).toEqual([many[0], ...many.slice(-99)]);
    const long = Array.from({ length: 60 }, (_, index) => `<${index}${'x'.repeat(900)}@x>`);
    expect(of(message([`References: ${long.join('\r\n ')}`])).references).toEqual([
      long[0],
      ...long.slice(-17),
    ]);
    expect(of(message(['References: <only@x>'])).references).toEqual(['<only@x>']);
  });
});

describe('keys to sort by', () => {
  test('are decoded and folded; a subject is without its Re:', () => {
    const one = of(
      message([
        'Subject: =?utf-8?q?Re:_[list]_Gr=C3=BC=C3=9Fe?= (fwd)',
        'From: =?utf-8?b?w4RkYQ==?= <ada@example.org>, bob@example.org',
        'To: team: carol@example.org, dan@example.org;',
        'Cc: dan@example.org',
      ]),
    );
    expect(one).toMatchObject({
      isReply: true,
      sortSubject: 'GRU\u0308SSE',
      sortFrom: 'ADA',
      displayFrom: 'A\u0308DA',
      sortTo: 'TEAM',
      displayTo: 'TEAM',
      sortCc: 'DAN',
    });
  });

  test('are empty where nothing is', () => {
    expect(of('\r\n')).toMatchObject({ isReply: false, sortSubject: '', sortFrom: '', displayTo: '' });
    expect(of(message(['To: dan@example.org'])).displayTo).toBe('DAN@EXAMPLE.ORG');
  });

  test('are cut', () => {
    const long = of(message([`Subject: ${'ﷺ'.repeat(5000)}`, `From: ${'x'.repeat(5000)}@y`]));
    expect(long.sortSubject.length).toBeLessThanOrEqual(1000);
    expect(long.sortFrom.length).toBe(1000);
  });
});

test('the date is an instant and a day', () => {
  const { sentAt, sentOn } = of(message(['Date: Mon, 23 Nov 2026 23:30:00 -0800']));
  expect([sentAt?.toISOString(), sentOn]).toEqual(['2026-11-24T07:30:00.000Z', '2026-11-23']);
  expect(of(message(['Date: soon'])).sentAt).toBeUndefined();
});

describe('the preview', () => {
  const typed = (type: string, text: string, ...more: string[]): string =>
    message([`Content-Type: ${type}`, ...more], text);

  test('is the first 200 characters of the text, white space made one space', () => {
    expect(of(message([], ' Hello\r\n\r\n\tworld ')).preview).toBe('Hello world');
    expect(of(message([], '😀'.repeat(300))).preview).toBe('😀'.repeat(200));
    expect(of(message([], '')).preview).toBe('');
  });

  test('is decoded', () => {
    const text = typed(
      'text/plain; charset=iso-8859-1',
      'Gr=FC=DFe, l=\r\nieb',
      'Content-Transfer-Encoding: quoted-printable',
    );
    expect(of(text).preview).toBe('Grüße, lieb');
    const base64 = Buffer.from('Übung macht den Meister').toString('base64');
    expect(of(typed('text/plain; charset=utf-8', base64, 'Content-Transfer-Encoding: base64')).preview).toBe(
      'Übung macht den Meister',
    );
  });

  test('is of HTML where nothing plain is, without its tags', () => {
    expect(of(typed('text/html', '<style>p{}</style><p>Good <b>day</b>')).preview).toBe('Good day');
    const both = (first: string, second: string): string =>
      typed(
        'multipart/alternative; boundary=b',
        `--b\r\nContent-Type: text/${first}\r\n\r\nfirst\r\n--b\r\nContent-Type: text/${second}\r\n\r\nsecond\r\n--b--`,
      );
    expect(of(both('html', 'plain')).preview).toBe('second');
    expect(of(both('enriched', 'html')).preview).toBe('second');
  });

  test('is not of attachments, nor of anything without text', () => {
    const attached = '--b\r\nContent-Disposition: attachment\r\n\r\nnot this\r\n--b\r\n\r\nthis\r\n--b--';
    expect(of(typed('multipart/mixed; boundary=b', attached)).preview).toBe('this');
    expect(of(typed('image/png', 'PNG')).preview).toBeUndefined();
  });
});

test('whatever a message is, it can be described and kept', async () => {
  await using setting = await openSetting({ limits: { inlineLimit: 1000 } });
  const [{ id: account }] = (await setting.database.query(
    "insert into account (name, created_at) values ('x', now()) returning id",
  )) as [{ id: number }];
  const [{ id: box }] = (await setting.database.query(
    "insert into mailbox (account, name, object_id, created_at) values ($1, 'INBOX', 'm', now()) returning id",
    [account],
  )) as [{ id: number }];
  const names = [
    'Subject',
    'From',
    'To',
    'Cc',
    'Date',
    'Message-ID',
    'References',
    'In-Reply-To',
    'Content-Type',
  ];
  const field = fc
    .tuple(
      fc.constantFrom(...names),
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets).toString('latin1')),
        fc.constantFrom(
          '<a\0b@x>',
          '=?utf-8?q?=00=ed=a0=80?=',
          '=?utf-16?b?2AA=?=',
          '\xed\xa0\x80',
          'text/plain; charset=utf-16',
        ),
      ),
    )
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const any = fc.tuple(fc.array(field, { maxLength: 8 }), fc.uint8Array({ maxLength: 2000 }));
  await fc.assert(
    fc.asyncProperty(any, async ([header, body]) => {
      const octets = Buffer.concat([Buffer.from(`${header.join('')}\r\n`, 'latin1'), body]);
      const { body: id } = await put(setting.messages, box, octets);
      const kept = await Array.fromAsync(setting.messages.content(id, new AbortController().signal));
      expect(Buffer.concat(kept).equals(octets)).toBe(true);
    }),
    { numRuns: 150 },
  );
});
