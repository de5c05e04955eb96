/**
 * SASL without SCRAM: PLAIN, LOGIN, EXTERNAL, OAUTHBEARER, XOAUTH2, by the examples of their RFCs, and what is no message.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginSasl, saslMechanisms } from '../../src/protocol/sasl/begin.ts';
import type { Ask, Challenge, Step } from '../../src/protocol/sasl/step.ts';

const options = { channelBindings: new Map<string, Uint8Array>(), nonce: () => 'server-nonce' };
const begin = (mechanism: string, initial?: string | Uint8Array) =>
  beginSasl(mechanism, options, typeof initial === 'string' ? Buffer.from(initial) : initial);

function challenged(step: Step): Challenge {
  if (step.kind !== 'challenge') throw new Error(`expected a challenge, not ${JSON.stringify(step)}`);
  return step;
}
function asked<Question extends Ask['question']>(
  step: Step,
  question: Question,
): Ask & { question: Question } {
  if (step.kind !== 'ask' || step.question !== question)
    throw new Error(`expected to be asked for ${question}, not ${JSON.stringify(step)}`);
  return step as Ask & { question: Question };
}
const words = (step: Step) => Buffer.from(challenged(step).octets).toString();
const say = (step: Step, text: string) => challenged(step).next(Buffer.from(text));

test('PLAIN: the examples of RFC 4616 §4', () => {
  const own = asked(begin('PLAIN', '\0tim\0tanstaaftanstaaf'), 'password');
  expect([own.authenticationId, own.password]).toEqual(['tim', 'tanstaaftanstaaf']);
  expect(own.answer(true)).toEqual({ kind: 'done', authenticationId: 'tim', authorizationId: undefined });
  const other = asked(say(begin('plain'), 'Ursel\0Kurt\0xipj3plmq'), 'password');
  expect(other.answer(true)).toEqual({ kind: 'done', authenticationId: 'Kurt', authorizationId: 'Ursel' });
});

test('PLAIN: without an initial response the challenge is empty', () => {
  expect(words(begin('PLAIN'))).toBe('');
});

test.each([
  ['nothing', ''],
  ['two parts', 'ada\0secret'],
  ['four parts', '\0ada\0secret\0'],
  ['no name', '\0\0secret'],
  ['no password', '\0ada\0'],
  ['no UTF-8', Buffer.from([0, 0xff, 0, 0x61])],
  ['a long name', `\0${'a'.repeat(1025)}\0b`],
  ['too much', 'a'.repeat(5000)],
])('PLAIN: %s is malformed, and nobody is asked', (_, message) => {
  expect(begin('PLAIN', message)).toMatchObject({ kind: 'failed', reason: 'malformed' });
});

test('a wrong password fails with the credentials, and the reason tells neither name nor password', () => {
  const failed = asked(begin('PLAIN', '\0ada\0hunter2'), 'password').answer(false);
  expect(failed).toMatchObject({ kind: 'failed', reason: 'credentials' });
  expect(JSON.stringify(failed)).not.toMatch(/ada|hunter2/);
});

test('LOGIN asks for the name and the password; the name may come with the command', () => {
  const first = begin('LOGIN');
  expect(words(first)).toBe('Username:');
  const second = say(first, 'ada');
  expect(words(second)).toBe('Password:');
  expect(asked(say(second, 'secret'), 'password').answer(true)).toEqual({
    kind: 'done',
    authenticationId: 'ada',
    authorizationId: undefined,
  });
  expect(words(begin('LOGIN', ''))).toBe('Username:');
  expect(words(begin('LOGIN', 'ada'))).toBe('Password:');
  expect(asked(say(begin('LOGIN', 'ada'), 'x'), 'password')).toMatchObject({
    authenticationId: 'ada',
    password: 'x',
  });
  expect(say(begin('LOGIN'), 'a\0b').kind).toBe('failed');
  expect(say(begin('LOGIN', 'ada'), '').kind).toBe('failed');
});

test('EXTERNAL asks for the certificate; an empty initial response is one', () => {
  expect(words(begin('EXTERNAL'))).toBe('');
  const own = asked(begin('EXTERNAL', ''), 'certificate');
  expect(own.answer('ada')).toEqual({ kind: 'done', authenticationId: 'ada', authorizationId: undefined });
  const other = asked(begin('EXTERNAL', 'info@example.org'), 'certificate');
  expect(other.answer('ada')).toMatchObject({ authenticationId: 'ada', authorizationId: 'info@example.org' });
  expect(asked(begin('EXTERNAL', ''), 'certificate').answer(undefined)).toMatchObject({
    reason: 'credentials',
  });
});

const example = Buffer.from(
  'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
  'base64',
);

test('OAUTHBEARER: the example of RFC 7628 §4.1', () => {
  const token = asked(begin('OAUTHBEARER', example), 'token');
  expect(token).toMatchObject({
    token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
    authorizationId: 'user@example.com',
    host: 'server.example.com',
    port: 143,
  });
  expect(token.answer({ isGood: true, authenticationId: 'user' })).toEqual({
    kind: 'done',
    authenticationId: 'user',
    authorizationId: 'user@example.com',
  });
});

test('OAUTHBEARER: a bad token is answered as in RFC 7628 §4.3, and fails after the dummy response', () => {
  const trouble = asked(begin('OAUTHBEARER', example), 'token').answer({
    isGood: false,
    status: 'invalid_token',
    scope: 'example_scope',
    openidConfiguration: 'https://example.com/.well-known/openid-configuration',
  });
  expect(words(trouble)).toBe(
    '{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}',
  );
  expect(say(trouble, '\x01')).toMatchObject({ kind: 'failed', reason: 'credentials' });
});

test.each([
  ['no GS2 header', 'auth=Bearer x\x01\x01', 'malformed'],
  ['a channel binding', 'p=tls-exporter,,\x01auth=Bearer x\x01\x01', 'binding'],
  ['no end', 'n,,\x01auth=Bearer x\x01', 'malformed'],
  ['another scheme', 'n,,\x01auth=Basic x\x01\x01', 'malformed'],
  ['no token', 'n,,\x01auth=Bearer \x01\x01', 'malformed'],
  ['no auth', 'n,,\x01host=x\x01\x01', 'malformed'],
  ['only the end', 'n,,\x01\x01', 'malformed'],
  ['two tokens', 'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01', 'malformed'],
  ['a token with a space', 'n,,\x01auth=Bearer x y\x01\x01', 'malformed'],
  ['a port with letters', 'n,,\x01port=14e\x01auth=Bearer x\x01\x01', 'malformed'],
  ['an escape that is none', 'n,a=x=2cy,\x01auth=Bearer x\x01\x01', 'malformed'],
  ['an empty authzid', 'n,a=,\x01auth=Bearer x\x01\x01', 'malformed'],
  ['a NUL', 'n,,\x01host=a\0b\x01auth=Bearer x\x01\x01', 'malformed'],
])('OAUTHBEARER: %s is refused before anybody is asked', (_, message, reason) => {
  expect(begin('OAUTHBEARER', message)).toMatchObject({ kind: 'failed', reason });
});

test('OAUTHBEARER: names with commas and equal signs, keys that we do not know, and any case of the scheme', () => {
  const token = asked(
    begin('OAUTHBEARER', 'y,a=a=2Cb=3Dc,\x01user=z\x01auth=bEARER a.b-c_d~e+f/g\x01\x01'),
    'token',
  );
  expect(token).toMatchObject({ authorizationId: 'a,b=c', token: 'a.b-c_d~e+f/g', host: undefined });
});

test('XOAUTH2: user and token, and its own words for a bad one', () => {
  const token = asked(
    begin('XOAUTH2', 'user=someuser@example.com\x01auth=Bearer ya29.vF9dft4\x01\x01'),
    'token',
  );
  expect(token).toMatchObject({ token: 'ya29.vF9dft4', authorizationId: 'someuser@example.com' });
  const trouble = token.answer({
    isGood: false,
    status: 'invalid_token',
    scope: 'https://mail.example.com/',
  });
  expect(JSON.parse(words(trouble))).toEqual({
    status: '401',
    schemes: 'bearer',
    scope: 'https://mail.example.com/',
  });
  expect(say(trouble, '')).toMatchObject({ kind: 'failed', reason: 'credentials' });
  expect(begin('XOAUTH2', 'user=x\x01auth=Bearer y').kind).toBe('failed');
});

test('a step goes on once', () => {
  const plain = asked(begin('PLAIN', '\0ada\0x'), 'password');
  plain.answer(false);
  expect(() => plain.answer(true)).toThrow('answered before');
  const first = challenged(begin('LOGIN'));
  first.next(Buffer.from('ada'));
  expect(() => first.next(Buffer.from('eve'))).toThrow('answered before');
});

test('a mechanism that nobody knows fails as such', () => {
  for (const name of ['CRAM-MD5', '', '__proto__', 'toString'])
    expect(begin(name)).toMatchObject({ kind: 'failed', reason: 'mechanism' });
});

test('any octets, in any mechanism and at any step, give a step', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .array(
        fc.constantFrom(
          'n',
          'y',
          'p=x',
          ',',
          'a=',
          'n=',
          'r=',
          'c=',
          'user=',
          'auth=Bearer ',
          '\x01',
          '\0',
          'ada',
          '=',
        ),
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...saslMechanisms),
      fc.option(octets, { nil: undefined }),
      fc.array(octets, { maxLength: 5 }),
      fc.boolean(),
      (mechanism, initial, responses, good) => {
        let step = begin(mechanism, initial);
        for (const response of [...responses, Buffer.alloc(0)]) {
          step = answered(step, good);
          if (step.kind === 'challenge') step = step.next(response);
        }
        step = answered(step, good);
        expect(['challenge', 'done', 'failed']).toContain(step.kind);
        if (!good) expect(step.kind).not.toBe('done');
      },
    ),
    { numRuns: 3000, seed: 7 },
  );
});

const keys = {
  iterations: 4096,
  salt: Buffer.alloc(16, 1),
  storedKey: Buffer.alloc(32, 2),
  serverKey: Buffer.alloc(32, 3),
};

function answered(step: Step, good: boolean): Step {
  if (step.kind !== 'ask') return step;
  if (step.question === 'password') return step.answer(good);
  if (step.question === 'certificate') return step.answer(good ? 'ada' : undefined);
  if (step.question === 'scramKeys') return step.answer(keys);
  return step.answer(
    good ? { isGood: true, authenticationId: 'ada' } : { isGood: false, status: 'invalid_token' },
  );
}
