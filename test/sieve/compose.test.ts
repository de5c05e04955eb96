import { describe, expect, test } from 'vitest';
import { notifyMessage } from '../../src/sieve/compose/notify.ts';
import { wasRedirectedBy } from '../../src/sieve/compose/redirect.ts';
import { rejectReport } from '../../src/sieve/compose/reject.ts';
import { usualVacation, vacationReply } from '../../src/sieve/compose/vacation.ts';
import { parseMailto } from '../../src/sieve/mailto.ts';
import { type HeaderSection, parseHeader } from '../../src/sieve/message/header.ts';
import type { Notify, Reject, Vacation } from '../../src/sieve/outcome.ts';
import { play } from './scene.ts';

const origin = { now: new Date('2026-11-25T12:00:00Z'), hostname: 'mx.example.net', unique: () => 'u1' };
const header = (...lines: string[]): HeaderSection =>
  parseHeader(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)).header;
const envelope = { from: 'ada@example.org', to: 'bob@example.net' };
const usual = [
  'From: Ada <ada@example.org>',
  'To: bob@example.net',
  'Subject: Tea',
  'Message-ID: <1@example.org>',
];

const actionOf = async <T>(script: string): Promise<T> => (await play(script)).actions[0] as T;
const answer = async (lines: readonly string[], script = 'vacation "Away.";', more: object = {}) =>
  vacationReply(await actionOf<Vacation>(`require "vacation"; ${script}`), {
    header: header(...lines),
    envelope,
    ownAddresses: [],
    origin,
    settings: usualVacation,
    ...more,
  });

describe('vacation', () => {
  test('answers a message to its owner', async () => {
    const result = await answer(usual);
    const reply = 'reply' in result ? result.reply : undefined;
    expect(reply).toMatchObject({ from: '', to: ['ada@example.org'] });
    const text = reply?.content.toString() ?? '';
    for (const line of [
      'From: <bob@example.net>',
      'To: "Ada" <ada@example.org>',
      'Subject: Auto: Tea',
      'In-Reply-To: <1@example.org>',
      'Auto-Submitted: auto-replied (vacation)',
    ]) {
      expect(text).toContain(`${line}\r\n`);
    }
    expect(text.endsWith('\r\n\r\nAway.\r\n')).toBe(true);
  });

  test.each([
    [['List-Id: <a.b>'], 'list'],
    [['Auto-Submitted: auto-replied'], 'automatically'],
    [['Precedence: bulk'], 'Precedence'],
    [['X-Auto-Response-Suppress: OOF'], 'asks for no answers'],
  ])('does not answer a message with %s', async (lines, why) => {
    expect(await answer([...usual, ...lines])).toEqual({ silent: expect.stringContaining(why) });
  });

  test('does not answer what names its owner nowhere, unless :addresses knows the name', async () => {
    const lines = ['From: ada@example.org', 'To: all@example.net'];
    expect(await answer(lines)).toHaveProperty('silent');
    expect(await answer(lines, 'vacation :addresses "ALL@example.net" "Away.";')).toHaveProperty('reply');
  });

  test.each([
    '',
    'bob@example.net',
    'MAILER-DAEMON@example.org',
    'no-reply@example.org',
    'owner-list@example.org',
  ])('does not answer the sender <%s>', async (from) => {
    expect(await answer(usual, undefined, { envelope: { ...envelope, from } })).toHaveProperty('silent');
  });

  test('lets no subject or reason make header fields', async () => {
    const result = await answer([...usual], 'vacation :subject "a\r\nBcc: x@example.org" "b";');
    const text = 'reply' in result ? result.reply.content.toString() : '';
    expect(text).toContain('Subject: a Bcc: x@example.org\r\n');
    expect(text).not.toMatch(/^Bcc:/m);
  });
});

test('a refusal goes back as a report, never to the null reverse-path', async () => {
  const action = await actionOf<Reject>('require "reject"; reject "No, thanks.";');
  const report = rejectReport(action, { header: header(...usual), envelope, origin });
  expect(report).toMatchObject({ from: '', to: ['ada@example.org'] });
  const text = report?.content.toString() ?? '';
  expect(text).toContain('No, thanks.');
  expect(text).toContain('Final-Recipient: rfc822; bob@example.net\r\n');
  expect(text).toContain('Subject: Tea\r\n');
  expect(
    rejectReport(action, { header: header(...usual), envelope: { ...envelope, from: '' }, origin }),
  ).toBeUndefined();
});

test('a notification is a message to whom its URI names', async () => {
  const action = await actionOf<Notify>(
    'require "enotify"; notify :importance "1" :message "New: tea" "mailto:a@b.example?cc=c%40b.example&X-Note=1";',
  );
  const scene = { header: header(...usual), envelope, owner: 'bob@example.net', origin };
  const result = notifyMessage(action, scene);
  const text = 'message' in result ? result.message.content.toString() : '';
  for (const line of [
    'To: <a@b.example>',
    'Cc: <c@b.example>',
    'Subject: New: tea',
    'X-Note: 1',
    'Importance: High',
    'From: bob@example.net',
  ]) {
    expect(text).toContain(`${line}\r\n`);
  }
  expect(notifyMessage(action, { ...scene, header: header('Auto-Submitted: auto-notified') })).toHaveProperty(
    'silent',
  );
});

test.each([
  ['mailto:', { warnings: ['the mailto URI names no recipient'] }],
  ['mailto:a@b.example,c@d.example', { mailto: { to: ['a@b.example', 'c@d.example'] } }],
  ['mailto:a@b.example?From=x%40y', { warnings: [expect.stringContaining('From')] }],
  ['mailto:nobody', { wrong: expect.stringContaining('no address') }],
  ['mailto:a@b?subject=a?b', { wrong: expect.stringContaining("second '?'") }],
  ['mailto:a b@c', { wrong: expect.stringContaining('%XX') }],
])('%s is read', (uri, expected) => {
  expect(parseMailto(uri)).toMatchObject(expected);
});

test('a message that came round is known again', () => {
  expect(wasRedirectedBy('Bob@Example.net', header('X-Sieve-Redirected-From: bob@example.net'))).toBe(true);
  expect(wasRedirectedBy('eve@example.net', header('X-Sieve-Redirected-From: bob@example.net'))).toBe(false);
});
