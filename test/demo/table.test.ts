import { expect, test } from 'vitest';
import type { Arrival } from '../../src/demo/pretend-site.ts';
import { messageId, samples } from '../../src/demo/samples.ts';
import { printOutcomes } from '../../src/demo/table.ts';
import { judge, type Said } from '../../src/demo/verdict.ts';
import type { TraceRow } from '../../src/ports/trace.ts';

/** All samples said to be taken, all their copies arrived, and a trace that gives each copy a reason of its own. */
function perfect() {
  const said: Said[] = [];
  const arrivals: Arrival[] = [];
  const rows = new Map<string, TraceRow[]>();
  samples.forEach((sample, index) => {
    const story: TraceRow[] = [];
    rows.set(messageId(index), story);
    for (const [recipient, expected] of Object.entries(sample.to)) {
      const refused = expected.find((one) => 'refused' in one);
      const code = refused?.refused ?? 250;
      said.push({ sample, index, messageId: messageId(index), recipient, code, reply: `${code} so` });
      for (const one of expected) {
        if (!('at' in one)) continue;
        arrivals.push({ site: one.at, recipient: one.as, messageId: messageId(index) });
        const address = one.as === recipient ? {} : { address: one.as };
        const detail = { nextHop: `site:${one.at}`, ...address };
        const because = [`why ${one.as} is at ${one.at} ${'and so on '.repeat(12)}`];
        story.unshift({ at: new Date(), event: 'delivered', recipient, because, detail });
      }
    }
  });
  const services = {
    trace: {
      record() {},
      find: async function* ({ messageId = '' }) {
        yield* rows.get(messageId) ?? [];
      },
    },
    queue: { list: async function* () {} },
  };
  return { said, arrivals, services: services as unknown as Parameters<typeof judge>[2] };
}

test('each copy is shown with the reasons of its own recipient, not of another at the same site', async () => {
  const { said, arrivals, services } = perfect();
  const { outcomes } = await judge(said, arrivals, services, new AbortController().signal);
  for (const { as, went, because } of outcomes.filter((one) => one.as !== '')) {
    expect(because[0]).toContain(`why ${as} is at ${went}`);
  }
});

test('the table fits a terminal of 80 columns', async () => {
  const { said, arrivals, services } = perfect();
  const { outcomes } = await judge(said, arrivals, services, new AbortController().signal);
  const lines = printOutcomes(outcomes, 80).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines.filter((line) => /^\d+\. /.test(line))).toHaveLength(samples.length);
});
