/**
 * Whatever a client says, in any mechanism: an outcome, nobody inside, nothing thrown, nothing held.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { AuthStep } from '../../src/ports/authenticator.ts';
import { saslMechanisms } from '../../src/protocol/sasl/begin.ts';
import { channel, closeDatabase, openGate } from './gate.ts';

afterAll(closeDatabase);

const signal = new AbortController().signal;

const pieces = [
  'n,',
  'y,',
  'p=tls-exporter,',
  ',',
  'a=ada',
  'n=ada',
  'n=root',
  'r=abc',
  'c=biws',
  'p=',
  'm=x',
];
const words = [
  ...pieces,
  'user=ada',
  'auth=Bearer x',
  '\x01',
  '\0',
  'ada',
  'ada*root',
  '*',
  '=',
  'secret',
  '\xff',
];
const message = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .array(fc.constantFrom(...words), { maxLength: 12 })
    .map((parts) => Buffer.from(parts.join(''), 'latin1')),
);

test('no words of a stranger are too strange', async () => {
  const tokens = [{ name: 'id', verify: async () => ({ is: 'bad', why: 'x' }) as const }];
  const certificates = { nameIn: () => undefined };
  await using gate = await openGate({ tokens, certificates });
  gate.people(['ada@example.org']);
  await gate.credentials.setPassword('ada@example.org', 'never guessed', 'root');
  const here = channel({
    channelBindings: new Map([['tls-exporter', Buffer.alloc(32)]]),
    clientCertificate: Buffer.alloc(1),
  });
  expect(gate.gate.mechanisms(here)).toEqual([...saslMechanisms]);
  let n = 0;
  const talk = async (mechanism: string, initial: Uint8Array | undefined, more: readonly Uint8Array[]) => {
    n += 1;
    // From a network of its own: the throttle is not what is looked at.
    const from = { ...here, remote: `192.0.${n >> 8}.${n & 255}` };
    let step: AuthStep = await gate.gate.begin(mechanism, from, initial, signal);
    for (const response of more) if (step.kind === 'challenge') step = await step.next(response);
    if (step.kind === 'challenge') step.cancel();
    return step;
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...saslMechanisms, 'CRAM-MD5', ''),
      fc.option(message, { nil: undefined }),
      fc.array(message, { maxLength: 4 }),
      async (mechanism, initial, more) => {
        const { kind } = await talk(mechanism, initial, more);
        expect(['challenge', 'refused']).toContain(kind);
        if (n % 8 === 0)
          for (const block of gate.throttle.blocks()) gate.throttle.forgive(block.kind, block.key);
      },
    ),
    { numRuns: 600, seed: 11 },
  );
  expect(gate.events.some(({ outcome }) => outcome === 'unavailable' || outcome === 'in')).toBe(false);
  for (const block of gate.throttle.blocks()) gate.throttle.forgive(block.kind, block.key);
  const good = await gate.gate.begin('PLAIN', here, Buffer.from('\0ada\0never guessed'), signal);
  expect(good.kind).toBe('in');
});
