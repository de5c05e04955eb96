import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/route/compile.ts';
import {
  covers,
  disjoint,
  makeGlob,
  networkCovers,
  networksDisjoint,
  parseAddressPattern,
  parseDomainPattern,
  parseNetwork,
} from '../../src/route/pattern.ts';
import { decide, spec, told } from './company.ts';

const seed = { seed: 20261125, numRuns: 5000 };
const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '@'), maxLength: 8 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '@'), maxLength: 6 });

test('a pattern matches what the same regular expression does', () => {
  fc.assert(
    fc.property(pattern, text, (glob, value) => {
      const expression = new RegExp(`^${glob.replaceAll('*', '[^]*')}$`);
      expect(makeGlob(glob).matches(value)).toBe(expression.test(value));
    }),
    seed,
  );
});

test('what is said to cover covers, and what is said to be disjoint is', () => {
  fc.assert(
    fc.property(pattern, pattern, text, (one, other, value) => {
      const [a, b] = [makeGlob(one), makeGlob(other)];
      if (b.matches(value) && covers(a, b)) expect(a.matches(value)).toBe(true);
      if (a.matches(value) && b.matches(value)) expect(disjoint(a, b)).toBe(false);
    }),
    seed,
  );
});

test('a hundred stars do not take for ever', () => {
  const glob = makeGlob(`${'*a'.repeat(100)}b`);
  expect(glob.matches('a'.repeat(100_000))).toBe(false);
});

const octet = fc.integer({ min: 0, max: 255 });
const ip = fc.tuple(fc.constantFrom(10, 192), octet, octet, octet).map((parts) => parts.join('.'));

test('networks contain, cover and exclude each other alike', () => {
  fc.assert(
    fc.property(
      ip,
      ip,
      ip,
      fc.integer({ min: 0, max: 32 }),
      fc.integer({ min: 0, max: 32 }),
      (a, b, c, n, m) => {
        const [one, other] = [parseNetwork(`${a}/${n}`), parseNetwork(`${b}/${m}`)];
        if (networkCovers(one, other) && other.contains(c)) expect(one.contains(c)).toBe(true);
        if (one.contains(c) && other.contains(c)) expect(networksDisjoint(one, other)).toBe(false);
      },
    ),
    { ...seed, numRuns: 2000 },
  );
});

describe('not understood', () => {
  test.each([
    ['no domain', () => parseAddressPattern('ada*')],
    ['no local part', () => parseAddressPattern('@example.org')],
    ['a bad domain', () => parseAddressPattern('*@exa mple.org')],
    ['letters beside a star', () => parseAddressPattern('a@*.bücher.example')],
    ['a star within', () => parseDomainPattern('a.*.example')],
    ['too many bits', () => parseNetwork('10.0.0.0/33')],
    ['no address', () => parseNetwork('10.0.0/8')],
  ])('%s', (_, make) => {
    expect(make).toThrow('expected');
  });
});

test('internationalised domains are the same in either spelling', async () => {
  const domains = [{ name: 'Bücher.example', type: 'externalRelay', site: 'cloud' }] as const;
  expect(told(await decide('x@xn--bcher-kva.example', {}, spec({ domains })))).toBe(
    'site:cloud x@xn--bcher-kva.example',
  );
  expect(told(await decide('x@BÜCHER.example', {}, spec({ domains })))).toBe('site:cloud x@BÜCHER.example');
});

test('the nearest domain wins: exact, then the longest star', () => {
  const { domain } = compile(
    spec({
      domains: [
        { name: '*.example.org', type: 'authoritative' },
        { name: '*.b.example.org', type: 'externalRelay' },
        { name: 'a.b.example.org', type: 'internalRelay', site: 'onprem' },
      ],
    }),
  );
  expect(domain('a.b.example.org')?.type).toBe('internalRelay');
  expect(domain('c.b.example.org')?.type).toBe('externalRelay');
  expect(domain('b.example.org')?.type).toBe('authoritative');
  expect(domain('example.org')).toBeUndefined();
  expect(domain('badexample.org')).toBeUndefined();
});
