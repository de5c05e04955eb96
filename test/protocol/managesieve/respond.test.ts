import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as respond from '../../../src/protocol/managesieve/respond.ts';
import { readResponses } from './read-responses.ts';

test('a response is a status, perhaps a code, and a text', () => {
  expect(respond.response('OK').toString()).toBe('OK\r\n');
  expect(respond.response('NO', { text: 'No "such" thing' }).toString()).toBe('NO "No \\"such\\" thing"\r\n');
  expect(respond.response('NO', { code: 'QUOTA/MAXSIZE', text: 'Too big' }).toString()).toBe(
    'NO (QUOTA/MAXSIZE) "Too big"\r\n',
  );
  expect(respond.response('OK', { code: { name: 'TAG', value: 'a"b' }, text: 'Done' }).toString()).toBe(
    'OK (TAG "a\\"b") "Done"\r\n',
  );
  expect(respond.response('NO', { text: 'line 1: no\nline 2: no' }).toString()).toBe(
    'NO {21}\r\nline 1: no\nline 2: no\r\n',
  );
  expect(respond.challenge(Buffer.from('hi')).toString()).toBe('"aGk="\r\n');
  expect(respond.challenge(Buffer.alloc(0)).toString()).toBe('""\r\n');
  expect(respond.response('OK', { code: respond.saslOk(Buffer.from('v=x')) }).toString()).toBe(
    'OK (SASL "dj14")\r\n',
  );
});

test('scripts are listed by name, the active one marked', () => {
  expect(respond.scriptEntry('a', false).toString()).toBe('"a"\r\n');
  expect(respond.scriptEntry('\u00e9', true).toString()).toBe('"\u00e9" ACTIVE\r\n');
  expect(respond.scriptContent(Buffer.from('\u00e9')).toString()).toBe('{2}\r\n\u00e9\r\n');
});

test('what is not so is not announced', () => {
  const before = respond.capabilities({
    implementation: 'X',
    sieve: ['fileinto', 'body'],
    mechanisms: [],
    starttls: true,
  });
  expect(before.toString().split('\r\n')).toEqual([
    '"IMPLEMENTATION" "X"',
    '"SIEVE" "fileinto body"',
    '"SASL" ""',
    '"STARTTLS"',
    '"UNAUTHENTICATE"',
    '"VERSION" "1.0"',
    '',
  ]);
  const after = respond.capabilities({
    implementation: 'X',
    sieve: [],
    mechanisms: ['PLAIN'],
    starttls: false,
    maxRedirects: 4,
    notify: ['mailto'],
    owner: 'ada',
  });
  expect(readResponses(after).map((line) => line.slice(0, 2))).toEqual([
    ['IMPLEMENTATION', 'X'].map((text) => ({ string: text })),
    ['SIEVE', ''].map((text) => ({ string: text })),
    ['SASL', 'PLAIN'].map((text) => ({ string: text })),
    ['NOTIFY', 'mailto'].map((text) => ({ string: text })),
    ['MAXREDIRECTS', '4'].map((text) => ({ string: text })),
    ['OWNER', 'ada'].map((text) => ({ string: text })),
    [{ string: 'UNAUTHENTICATE' }],
    ['VERSION', '1.0'].map((text) => ({ string: text })),
  ]);
});

test('whatever is said can be read', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({
      unit: fc.constantFrom('\r', '\n', '"', '\\', '{3}', '\0', '\u00fc', '\u{1f3d6}'),
      maxLength: 12,
    }),
    fc.nat(40).map((more) => '\u00fc'.repeat(500 + more)),
  );
  const arrives = (value: string) => Buffer.from(value).toString();
  fc.assert(
    fc.property(nasty, nasty, (one, other) => {
      const octets = Buffer.concat([
        respond.response('NO', { code: { name: 'TAG', value: one }, text: `.${other}` }),
        respond.scriptEntry(one, true),
        respond.scriptContent(Buffer.from(other)),
      ]);
      expect(readResponses(octets)).toEqual([
        [{ atom: 'NO' }, [{ atom: 'TAG' }, { string: arrives(one) }], { string: arrives(`.${other}`) }],
        [{ string: arrives(one) }, { atom: 'ACTIVE' }],
        [{ string: arrives(other) }],
      ]);
    }),
    { seed: 3, numRuns: 1000 },
  );
});
