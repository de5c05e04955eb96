import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextHopKey } from '../../src/mail/route.ts';
import type { Question } from '../../src/ports/routing.ts';
import { compile } from '../../src/route/compile.ts';
import { internalHeaders } from '../../src/route/copies.ts';
import { lint } from '../../src/route/lint.ts';
import { makeRouter } from '../../src/route/router.ts';
import type { RoutingSpec } from '../../src/route/spec.ts';
import { asAtRcpt, directory, question, routing, ruleList } from './arbitrary.ts';
import { type Known, known, MemoryDirectory, question as questionTo, withRules } from './company.ts';

const seed = { seed: 20261125, numRuns: 3000 };
const signal = new AbortController().signal;

const routerOver = (spec: RoutingSpec, people: readonly Known[]) => {
  const compiled = compile(spec);
  return makeRouter({
    directory: new MemoryDirectory(people),
    compiled: () => compiled,
    directoryTimeout: 10_000,
  });
};

const world = [routing(ruleList(5)), directory, question] as const;

test('there is always a decision, and the same one twice', async () => {
  const verdicts = new Set<string>();
  await fc.assert(
    fc.asyncProperty(...world, async (spec, people, asked) => {
      const router = routerOver(spec, people);
      const decision = await router.route(asked, signal);
      expect(await router.route(asked, signal)).toEqual(decision);
      expect(decision.because.length).toBeGreaterThan(0);
      verdicts.add(decision.verdict);
    }),
    seed,
  );
  expect([...verdicts].sort()).toEqual(['defer', 'deliver', 'expand', 'hold', 'refuse']);
});

test('one delivery, no two copies to one site, firewalls up', async () => {
  await fc.assert(
    fc.asyncProperty(...world, async (spec, people, asked) => {
      const decision = await routerOver(spec, people).route(asked, signal);
      if (decision.verdict !== 'deliver' || decision.copies.length === 0) return;
      const { copies } = decision;
      expect(copies.filter(({ purpose }) => purpose === 'delivery')).toHaveLength(1);
      const hops = copies
        .filter(({ purpose }) => purpose !== 'journal')
        .map((copy) => nextHopKey(copy.nextHop));
      expect(new Set(hops).size).toBe(hops.length);
      for (const { nextHop, removeHeaders } of copies) {
        const from = asked.client.site === undefined ? undefined : spec.sites[asked.client.site];
        const to = nextHop.kind === 'site' ? spec.sites[nextHop.site] : undefined;
        if (from?.trusted && to?.trusted) expect(removeHeaders).toEqual([]);
        else expect(removeHeaders).toEqual(internalHeaders);
      }
    }),
    seed,
  );
});

test('no copy to the site it came from, nor a third time to any', async () => {
  await fc.assert(
    fc.asyncProperty(...world, async (spec, people, asked) => {
      const decision = await routerOver(spec, people).route(asked, signal);
      if (decision.verdict !== 'deliver') return;
      const wentOn = decision.because.some((reason) =>
        / goes to |redirects to|catch-all|postmaster is/.test(reason),
      );
      const own = asked.expandedFrom?.length === 0 && !wentOn;
      for (const { nextHop, purpose } of decision.copies) {
        if (nextHop.kind !== 'site') continue;
        expect((asked.sitesSeen ?? []).filter((seen) => seen === nextHop.site).length).toBeLessThan(2);
        if (purpose === 'journal') continue;
        if (own && !spec.sites[nextHop.site]?.hairpin) expect(nextHop.site).not.toBe(asked.client.site);
      }
    }),
    seed,
  );
});

test('who is refused at RCPT is refused whatever the message is', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(...world, fc.boolean(), async (spec, people, asked, sized) => {
      const router = routerOver(spec, people);
      const early = await router.route(asAtRcpt(asked, sized), signal);
      if (early.verdict !== 'refuse') return;
      refused += 1;
      expect((await router.route(asked, signal)).verdict).toBe('refuse');
    }),
    seed,
  );
  expect(refused).toBeGreaterThan(300);
});

test('nobody relays who may not', async () => {
  await fc.assert(
    fc.asyncProperty(...world, async (spec, people, asked) => {
      const { client } = asked;
      const own = client.mayRelay || client.account !== undefined || client.protocol === 'local';
      if (own || asked.recipient.domain !== 'elsewhere.example' || asked.expandedFrom?.length !== 0) return;
      expect(await routerOver(spec, people).route(asked, signal)).toMatchObject({ reply: { code: 550 } });
    }),
    seed,
  );
});

/** Names of rules that lint says are never reached or never true. */
function unreachable(spec: RoutingSpec): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { path, text } of lint(spec, { hasDirectory: true })) {
    const index = /^rules\[(\d+)\]\.when$/.exec(path)?.[1];
    const said = /is never reached|can never be true/.test(text);
    const name = index === undefined ? undefined : spec.rules[Number(index)]?.name;
    if (said && name !== undefined) found.add(name);
  }
  return found;
}

test('a rule that lint calls unreachable never has a say', async () => {
  let dead = 0;
  const asked = fc.array(question, { minLength: 12, maxLength: 12 });
  const rules = ruleList(5);
  await fc.assert(
    fc.asyncProperty(routing(rules), directory, asked, async (spec, people, questions) => {
      const names = unreachable(spec);
      dead += names.size;
      if (names.size === 0) return;
      const decisions = await routerOver(spec, people).routeAll(questions as readonly Question[], signal);
      for (const [index, { because }] of decisions.entries()) {
        // Postmaster's mail goes on past rules that refuse, to rules that no other mail reaches.
        if (/postmaster/i.test(`${questions[index]?.recipient.text} ${because}`)) continue;
        for (const reason of because) {
          const name = /^rule (rule\d): (?!cannot tell)/.exec(reason)?.[1];
          if (name !== undefined) expect(names).not.toContain(name);
        }
      }
    }),
    { ...seed, numRuns: 4000 },
  );
  expect(dead).toBeGreaterThan(400);
});

test('nor does one about addresses, of people who have several and write them with details', async () => {
  const addresses = ['ada@example.org', 'alan@example.org', 'grace@shared.example.org'];
  const people = [
    known(['ada@example.org', 'grace@shared.example.org', 'countess@example.org'], { home: 'onprem' }),
    known(['alan@example.org', 'alan@shared.example.org'], { home: 'onprem' }),
  ];
  const asked = [...people.flatMap(({ entry }) => entry.addresses.map(({ text }) => text)), 'x@example.org'];
  const questions = asked.flatMap((to) => [questionTo(to), questionTo(to.replace('@', '+x@'))]);
  const patterns = ['a*@example.org', 'ada+*@*', 'ada@*', '*@shared.example.org', '*a@*', '*+x@example.org'];
  const leaf = fc.constantFrom(...addresses, ...patterns).map((address) => ({ recipient: { address } }));
  const part = fc.oneof(
    leaf,
    leaf.map((one) => ({ not: one })),
  );
  const when = fc.oneof(
    part,
    fc.array(part, { minLength: 2, maxLength: 3 }).map((all) => ({ all })),
    fc.array(part, { minLength: 2, maxLength: 3 }).map((any) => ({ any })),
  );
  const rules = fc
    .array(when, { minLength: 1, maxLength: 4 })
    .map((list) => list.map((one, n) => ({ name: `rule${n}`, when: one, then: { routeTo: 'cloud' } })));
  let dead = 0;
  await fc.assert(
    fc.asyncProperty(rules, async (list) => {
      const routing = { ...withRules(...list), postmaster: 'grace@shared.example.org' };
      const names = unreachable(routing);
      dead += names.size;
      if (names.size === 0) return;
      for (const { because } of await routerOver(routing, people).routeAll(questions, signal)) {
        for (const name of names) expect(because.join('\n')).not.toContain(`${name}:`);
      }
    }),
    seed,
  );
  expect(dead).toBeGreaterThan(400);
});

test('a lookup of many is one round trip, and says the same as one by one', async () => {
  await fc.assert(
    fc.asyncProperty(
      routing(ruleList(3)),
      directory,
      fc.array(question, { maxLength: 6 }),
      async (spec, people, questions) => {
        const router = routerOver(spec, people);
        const together = await router.routeAll(questions, signal);
        const single = [];
        for (const one of questions) single.push(await router.route(one, signal));
        expect(together).toEqual(single);
      },
    ),
    { ...seed, numRuns: 300 },
  );
});
