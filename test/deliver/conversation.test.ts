/**
 * What becomes of a recipient when a peer behaves in one way or another at one phase of the conversation.
 */
import { afterEach, expect, test } from 'vitest';
import { type Peer, type PeerScript, type Phase, type Step, startPeer } from '../fixture/smtp-peer.ts';
import { agentFor, at, brief, delivery, never, soon, taskOf } from './parts.ts';

const peers: Peer[] = [];
const peer = async (script: PeerScript = {}): Promise<Peer> => {
  const started = await startPeer(script);
  peers.push(started);
  return started;
};
afterEach(async () => {
  for (const each of peers.splice(0)) await each.close();
});

const pipelining = ['PIPELINING', '8BITMIME', 'SIZE 1000000', 'ENHANCEDSTATUSCODES'];

/** One message to two recipients; the reply's codes, and whether the destination is said to be down. */
async function deliver(
  script: PeerScript,
  limit = 5000,
): Promise<{
  readonly said: readonly string[];
  readonly text: string;
  readonly down: boolean;
  readonly taken: number;
  readonly open: () => number;
}> {
  const started = await peer(script);
  const timeLimits = {
    ...delivery.timeLimits,
    greeting: limit,
    ehlo: limit,
    mail: limit,
    rcpt: limit,
    dataStart: limit,
    dataEnd: limit,
  };
  const agent = agentFor(at(started.port), { delivery: { ...delivery, timeLimits } });
  const statuses = await agent.deliver(taskOf({ to: ['ada@example.org', 'ben@example.org'] }), never);
  await agent.close(AbortSignal.timeout(1000));
  return {
    said: brief(statuses),
    text: statuses[0]?.reply.lines.join(' ') ?? '',
    down: statuses.every((status) => status.destinationDown),
    taken: started.messages.length,
    open: started.open,
  };
}

const close: Step = { do: 'close' };
const reset: Step = { do: 'reset' };
const hang: Step = { do: 'hang' };
const garbage: Step = { do: 'raw', bytes: 'HTTP/1.1 400 Bad Request\r\n\r\n' };
const first = (step: Step) => (said: { readonly count: number }) => (said.count === 1 ? step : undefined);

const later = 'later 451 4.4.2';
const unanswered = 'later 451 4.4.1';
type Row = readonly [phase: Phase, step: Step, ada: string, ben: string, down?: boolean];
const table: readonly Row[] = [
  ['greeting', '220 here I am', 'delivered 250 2.0.0', 'delivered 250 2.0.0'],
  ['greeting', '421 4.3.2 too busy', 'later 421 4.3.2', 'later 421 4.3.2', true],
  ['greeting', '450 4.7.1 who are you', 'later 450 4.7.1', 'later 450 4.7.1', true],
  ['greeting', '554 5.7.1 no service for you', unanswered, unanswered, true],
  ['greeting', '521 5.3.2 no mail here', unanswered, unanswered, true],
  ['greeting', close, later, later, true],
  ['greeting', hang, later, later, true],
  ['greeting', garbage, later, later, true],
  ['greeting', { do: 'drip', reply: '220 slow but sure' }, 'delivered 250 2.0.0', 'delivered 250 2.0.0'],
  ['hello', '500 5.5.1 what is EHLO', 'delivered 250 2.0.0', 'delivered 250 2.0.0'],
  ['hello', '421 4.3.2 closing', 'later 421 4.3.2', 'later 421 4.3.2', true],
  ['hello', '451 4.3.0 not now', 'later 451 4.3.0', 'later 451 4.3.0', true],
  ['hello', close, later, later, true],
  ['hello', hang, later, later, true],
  ['hello', garbage, later, later, true],
  ['mail', '451 4.3.0 not now', 'later 451 4.3.0', 'later 451 4.3.0'],
  ['mail', '452 4.3.1 no room', 'later 452 4.3.1', 'later 452 4.3.1'],
  ['mail', '550 5.7.1 not from you', 'failed 550 5.7.1', 'failed 550 5.7.1'],
  ['mail', '421 4.3.2 closing', 'later 421 4.3.2', 'later 421 4.3.2'],
  ['mail', { do: 'close', after: '421 4.3.2 closing\r\n' }, 'later 421 4.3.2', 'later 421 4.3.2'],
  ['mail', close, later, later],
  ['mail', reset, later, later],
  ['mail', hang, later, later],
  ['mail', garbage, later, later],
  ['mail', '354 strange', later, later],
  ['rcpt', '550 5.1.1 nobody of that name', 'failed 550 5.1.1', 'delivered 250 2.0.0'],
  ['rcpt', '450 4.2.1 mailbox busy', 'later 450 4.2.1', 'delivered 250 2.0.0'],
  ['rcpt', '452 4.5.3 too many', 'later 452 4.5.3', 'delivered 250 2.0.0'],
  ['rcpt', '421 4.3.2 closing', 'later 421 4.3.2', 'later 421 4.3.2'],
  ['rcpt', close, later, later],
  ['rcpt', hang, later, later],
  ['rcpt', garbage, later, later],
  ['rcpt', '354 strange', later, later],
  ['data', '451 4.3.0 not now', 'later 451 4.3.0', 'later 451 4.3.0'],
  ['data', '554 5.7.1 no', 'failed 554 5.7.1', 'failed 554 5.7.1'],
  ['data', '250 2.0.0 strange', later, later],
  ['data', '421 4.3.2 closing', 'later 421 4.3.2', 'later 421 4.3.2'],
  ['data', close, later, later],
  ['data', hang, later, later],
  ['data', garbage, later, later],
  ['end', '250 2.0.0 taken\n', 'delivered 250 2.0.0', 'delivered 250 2.0.0'],
  ['end', '451 4.3.0 not now', 'later 451 4.3.0', 'later 451 4.3.0'],
  ['end', '554 5.6.0 no', 'failed 554 5.6.0', 'failed 554 5.6.0'],
  ['end', '421 4.3.2 closing', 'later 421 4.3.2', 'later 421 4.3.2'],
  ['end', '354 strange', later, later],
  ['end', close, later, later],
  ['end', reset, later, later],
  ['end', hang, later, later],
  ['end', garbage, later, later],
];
const named = table.flatMap((row) => [
  { name: `${row[0]}: ${JSON.stringify(row[1])}, pipelined`, row, extensions: pipelining },
  { name: `${row[0]}: ${JSON.stringify(row[1])}, step by step`, row, extensions: [] },
]);

test.each(named)('$name', async ({ row, extensions }) => {
  const [phase, step, ada, ben, down = false] = row;
  const result = await deliver({ extensions, steps: { [phase]: first(step) } }, step === hang ? 250 : 5000);
  expect(result.said).toEqual([ada, ben]);
  expect(result.down).toBe(down);
  await soon(() => result.open() === 0);
});

test('a message lost after the final dot may come twice, and the reply says so', async () => {
  const { text } = await deliver({ extensions: pipelining, steps: { end: () => close } });
  expect(text).toMatch(/may come twice/);
});
