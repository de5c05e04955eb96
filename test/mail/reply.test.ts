import { expect, test } from 'vitest';
import {
  asMailError,
  type ConditionName,
  conditions,
  MailError,
  replyFor,
} from '../../src/mail/condition.ts';
import { isPermanent, isPositive, isTransient, parseReply, printReply } from '../../src/mail/reply.ts';
import { nextHopKey } from '../../src/mail/route.ts';

test('a reply is printed on one line, and read back', () => {
  const reply = { code: 550, enhanced: '5.1.1', lines: ['Mailbox unknown'] };
  expect(printReply(reply)).toBe('550 5.1.1 Mailbox unknown');
  expect(parseReply('550 5.1.1 Mailbox unknown')).toEqual(reply);
  expect(parseReply('421 Bye')).toEqual({ code: 421, lines: ['Bye'] });
});

test.each(['', '99 x', '350 go on', '550 9.1.1.1 x\r\ny', 'hello'])(
  '%j is no reply of an operator',
  (text) => {
    const reply = parseReply(text);
    expect(reply === undefined || /[\r\n]/.test(printReply(reply)) === false).toBe(true);
    if (!text.startsWith('550')) expect(reply).toBeUndefined();
  },
);

test('the first digit is the verdict', () => {
  expect(isPositive(parseReply('250 ok')!)).toBe(true);
  expect(isTransient(parseReply('450 no')!)).toBe(true);
  expect(isPermanent(parseReply('550 no')!)).toBe(true);
});

test.each(Object.keys(conditions) as ConditionName[])(
  '%s says the class of its verdict twice, in code and enhanced code',
  (name) => {
    for (const [verdict, digit] of [
      ['later', '4'],
      ['never', '5'],
    ] as const) {
      const reply = replyFor(verdict, name);
      expect(String(reply.code)[0]).toBe(digit);
      expect(reply.enhanced?.[0]).toBe(digit);
      expect(reply.enhanced).toMatch(/^[45]\.\d{1,3}\.\d{1,3}$/);
    }
  },
);

test('what is no MailError is told as trouble of ours, and its text stays with us', () => {
  const error = asMailError(new Error('password of ada is hunter2'));
  expect(printReply(error.reply)).toBe('451 4.3.0 Mail system trouble');
  expect(asMailError(new MailError('never', 'refused')).reply.code).toBe(550);
});

test('next hops that differ have keys that differ', () => {
  expect(nextHopKey({ kind: 'site', site: 'cloud' })).toBe('site:cloud');
  expect(nextHopKey({ kind: 'mx', domain: 'cloud' })).toBe('mx:cloud');
});
