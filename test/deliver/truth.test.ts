/**
 * Whatever peers do, a status is the truth: who is said to have the message has it, who is said not to have it has
 * it not, and the one doubt that SMTP leaves (RFC 1047) is told as such. And nothing is left open.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Phase, type Step, startPeer } from '../fixture/smtp-peer.ts';
import { agentFor, delivery, never, soon, taskOf } from './parts.ts';

const twice: Step = { do: 'raw', bytes: '250 2.0.0 twice\r\n250 2.0.0 twice\r\n' };
const deeds: readonly Step[] = [
  twice,
  { do: 'close' },
  { do: 'reset' },
  { do: 'hang' },
  { do: 'raw', bytes: 'nonsense\r\n' },
  { do: 'close', after: '421 4.3.2 closing\r\n' },
  { do: 'close', after: '250 2.0.0 half\r\n25' },
  '250 2.0.0 yes',
  '354 go on',
  '421 4.3.2 closing',
  '450 4.2.0 later',
  '452 4.5.3 too many',
  '550 5.1.1 never',
];
const phases: readonly Phase[] = ['greeting', 'hello', 'mail', 'rcpt', 'data', 'end', 'rset'];
const mischief = fc.record({
  phase: fc.constantFrom(...phases),
  count: fc.integer({ min: 1, max: 4 }),
  step: fc.constantFrom(...deeds),
});
const peerScript = fc.record({
  mischief: fc.array(mischief, { maxLength: 3 }),
  extensions: fc.subarray(['PIPELINING', '8BITMIME', 'LIMITS RCPTMAX=2']),
});
const limits = {
  ...delivery.timeLimits,
  greeting: 60,
  ehlo: 60,
  mail: 60,
  rcpt: 60,
  dataStart: 60,
  dataEnd: 60,
  quit: 20,
};

test.each(['smtp', 'lmtp'] as const)('over %s', async (protocol) => {
  const lmtp = protocol === 'lmtp';
  const run = async (
    scripts: readonly {
      readonly mischief: readonly { readonly phase: Phase; readonly count: number; readonly step: Step }[];
      readonly extensions: string[];
    }[],
    messages: number,
  ): Promise<void> => {
    /** Recipients for whom some peer said yes after the end of data. */
    const has = new Map<string, number>();
    const peers = await Promise.all(
      scripts.map(({ mischief: all, extensions }) =>
        startPeer({
          lmtp,
          extensions,
          steps: Object.fromEntries(
            phases.map((phase) => [
              phase,
              ({ count, line }: { count: number; line: string }): Step | undefined => {
                const wish = all.find((each) => each.phase === phase && each.count === count)?.step;
                // Two answers for one recipient shift all that follow: nobody can tell.
                const step = lmtp && phase === 'end' && wish === twice ? undefined : wish;
                const bytes =
                  typeof step === 'object' && step.do === 'raw' ? step.bytes.toString() : undefined;
                const after = typeof step === 'object' && 'after' in step ? step.after : undefined;
                const said = typeof step === 'string' ? step : (bytes ?? after ?? (step ? '' : '250'));
                if (phase === 'end' && said.startsWith('2')) {
                  for (const [who] of line.matchAll(/[^<]+@x\.test/g)) has.set(who, (has.get(who) ?? 0) + 1);
                }
                return step;
              },
            ]),
          ),
        }),
      ),
    );
    const agent = agentFor(
      { nextHops: peers.map(({ port }, priority) => ({ host: '127.0.0.1', port, priority, protocol })) },
      { delivery: { ...delivery, timeLimits: limits } },
    );
    for (let message = 0; message < messages; message++) {
      const to = [0, 1, 2].map((n) => `m${message}r${n}@x.test`);
      const statuses = await agent.deliver(taskOf({ to }), never);
      expect(statuses).toHaveLength(to.length);
      statuses.forEach((status, at) => {
        const doubt = status.reply.lines.join(' ').includes('may come twice');
        const copies = has.get(to[at] ?? '') ?? 0;
        if (status.outcome === 'delivered') expect(copies).toBe(1);
        else if (!doubt) expect(copies).toBe(0);
        else expect(copies).toBeLessThanOrEqual(1);
        expect(Math.floor(status.reply.code / 100)).toBe(
          { delivered: 2, later: 4, failed: 5 }[status.outcome],
        );
      });
    }
    await agent.close(AbortSignal.timeout(1000));
    await soon(() => peers.every((each) => each.open() === 0));
    for (const each of peers) await each.close();
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(peerScript, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 1, max: 3 }),
      run,
    ),
    { seed: 1047, numRuns: 120 },
  );
});
