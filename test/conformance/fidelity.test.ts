/**
 * conformance/fidelity - the comparison must see one octet.
 */
import { expect, test } from 'vitest';
import { sample } from '../fixture/messages.ts';
import { compare } from './fidelity.ts';

const message = sample('m', Buffer.from('Subject: a\r\n\r\nbody\r\n'));
const received = 'Received: from a by b;\r\n\tMon, 23 Nov 2026 10:00:00 +0000\r\n';
const came = (text: string) => compare(message, Buffer.from(text), 'capture').outcome;

test.each([
  ['the message under trace fields', `${received}${received}Subject: a\r\n\r\nbody\r\n`, 'same'],
  ['the message alone', 'Subject: a\r\n\r\nbody\r\n', 'same'],
  ['another octet', `${received}Subject: a\r\n\r\nbodY\r\n`, 'differs'],
  ['a field that is no trace field', `${received}X-Spam: no\r\nSubject: a\r\n\r\nbody\r\n`, 'differs'],
  ['an empty line between', `${received}\r\nSubject: a\r\n\r\nbody\r\n`, 'differs'],
  ['one line more at the end', `${received}Subject: a\r\n\r\nbody\r\n\r\n`, 'differs'],
  ['a field of the message gone', `${received}\r\nbody\r\n`, 'differs'],
])('%s', (_, text, outcome) => {
  expect(came(text)).toBe(outcome);
});

test('what never came is lost', () => {
  expect(compare(message, undefined, 'capture').outcome).toBe('lost');
});
