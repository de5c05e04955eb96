/**
 * route/logic - whether conditions can be true at all, and whether some cover others.
 *
 * A condition becomes a list of cases (disjunctive normal form), each a list of facts that hold or do not. A case is
 * impossible when two of its facts contradict each other by what addresses, networks, sizes and kinds are. Sound, not
 * complete: `impossible` is proved; whatever is not proved, or would take more cases than the bound, counts as possible.
 */
import type { Formula, Leaf } from './formula.ts';
import {
  type AddressPattern,
  covers,
  disjoint,
  type Glob,
  makeGlob,
  networkCovers,
  networksDisjoint,
} from './pattern.ts';

interface Literal {
  readonly leaf: Leaf;
  readonly holds: boolean;
}

export type Case = readonly Literal[];

/** Cases kept at once, and facts in one case. */
const mostCases = 256;
const mostLiterals = 64;

/** The possible cases of a formula, or undefined where they are too many. None: it can never be true. */
export function casesOf(formula: Formula, holds = true): readonly Case[] | undefined {
  switch (formula.op) {
    case 'leaf':
      return [[{ leaf: formula.leaf, holds }]];
    case 'not':
      return casesOf(formula.part, !holds);
    default: {
      const both = (formula.op === 'and') === holds;
      return both ? product(formula.parts, holds) : sum(formula.parts, holds);
    }
  }
}

function sum(parts: readonly Formula[], holds: boolean): readonly Case[] | undefined {
  const cases: Case[] = [];
  for (const part of parts) {
    const more = casesOf(part, holds);
    if (more === undefined || cases.length + more.length > mostCases) return undefined;
    cases.push(...more);
  }
  return cases;
}

function product(parts: readonly Formula[], holds: boolean): readonly Case[] | undefined {
  let cases: readonly Case[] = [[]];
  for (const part of parts) {
    const more = casesOf(part, holds);
    const next = more === undefined ? undefined : combine(cases, more);
    if (next === undefined) return undefined;
    cases = next;
  }
  return cases;
}

function combine(left: readonly Case[], right: readonly Case[]): readonly Case[] | undefined {
  const cases: Case[] = [];
  for (const a of left) {
    for (const b of right) {
      const both = join(a, b);
      if (both === undefined) continue;
      if (cases.length >= mostCases || both.length > mostLiterals) return undefined;
      cases.push(both);
    }
  }
  return cases;
}

/** Both cases at once; undefined when that is impossible. `a` and `b` alone are possible. */
function join(a: Case, b: Case): Case | undefined {
  const added = b.filter((one) => !a.some((other) => same(one, other)));
  for (const one of added) {
    if (a.some((other) => contradict(one, other)) || b.some((other) => contradict(one, other))) {
      return undefined;
    }
  }
  const both = [...a, ...added];
  return added.some(isLimited) && exhausted(both) ? undefined : both;
}

export const neverTrue = (formula: Formula): boolean => casesOf(formula)?.length === 0;

/** Whether no case of one list can be true together with any of the other. */
export const apart = (cases: readonly Case[], others: readonly Case[]): boolean =>
  cases.every((one) => others.every((other) => join(one, other) === undefined));

/**
 * What is left of `cases` where one of `outside` holds too. A case of which all is left stays as it is: that keeps
 * cases few, and only makes fewer things proved. undefined: more than `most` would be left.
 */
export function restOf(
  cases: readonly Case[],
  outside: readonly Case[],
  most: number,
): readonly Case[] | undefined {
  const rest: Case[] = [];
  for (const one of cases) {
    const left = outside.map((other) => join(one, other)).filter((both) => both !== undefined);
    const whole = left.length > 0 && left.length === outside.length;
    rest.push(...(whole ? [one] : left));
    if (rest.length > most || left.some((both) => both.length > mostLiterals)) return undefined;
  }
  return rest;
}

const same = (a: Literal, b: Literal): boolean => a.holds === b.holds && sameLeaf(a.leaf, b.leaf);

const sameLeaf = (a: Leaf, b: Leaf): boolean => implies(a, b) && implies(b, a);

function contradict(a: Literal, b: Literal): boolean {
  if (a.holds && b.holds) return excludes(a.leaf, b.leaf) || excludes(b.leaf, a.leaf);
  if (a.holds !== b.holds) return a.holds ? implies(a.leaf, b.leaf) : implies(b.leaf, a.leaf);
  return sizeGap(a.leaf, b.leaf) || sizeGap(b.leaf, a.leaf);
}

/** Neither over nor under: at most `over.octets` and at least `under.octets`. */
const sizeGap = (over: Leaf, under: Leaf): boolean =>
  over.fact === 'over' && under.fact === 'under' && over.octets < under.octets;

/** Whether `b` holds wherever `a` does. */
function implies(a: Leaf, b: Leaf): boolean {
  if (b.fact === 'known') return 'who' in a && a.who === b.who && a.fact !== 'address';
  switch (a.fact) {
    case 'address':
      return b.fact === 'address' && a.who === b.who && addressImplies(a.pattern, b.pattern);
    case 'member':
      return b.fact === 'member' && a.who === b.who && a.group === b.group;
    case 'attribute':
      if (b.fact !== 'attribute' || a.who !== b.who || a.name !== b.name) return false;
      return b.value === undefined || a.value === b.value;
    case 'kind':
      return b.fact === 'kind' && a.who === b.who && a.value === b.value;
    case 'home':
      return b.fact === 'home' && a.value === b.value;
    case 'network':
      return b.fact === 'network' && networkCovers(b.network, a.network);
    case 'client':
      if (a.key === 'account' && b.fact === 'authenticated') return true;
      return b.fact === 'client' && a.key === b.key && a.value === b.value;
    case 'certificate':
      if (b.fact === 'client') return b.key === 'tls' && b.value === 'verified';
      return b.fact === 'certificate' && covers(b.pattern, a.pattern);
    case 'direction':
      return b.fact === 'direction' && a.value === b.value;
    case 'over':
      return b.fact === 'over' && a.octets >= b.octets;
    case 'under':
      return b.fact === 'under' && a.octets <= b.octets;
    case 'header':
      return b.fact === 'header' && headerImplies(a, b);
    default:
      return a.fact === b.fact;
  }
}

/** One whole address is also true of mail to the person's others, which a pattern need not match. */
const addressImplies = (a: AddressPattern, b: AddressPattern): boolean =>
  a.exact ? b.exact && a.text === b.text : covers(b, a);

/**
 * Patterns look at the address that was written, and at the same without its detail: both have the same domain, and
 * only that can keep two patterns apart. Nothing keeps whole addresses apart: one person may have both.
 */
const addressExcludes = (a: AddressPattern, b: AddressPattern): boolean =>
  !a.exact && !b.exact && disjoint(domainIn(a), domainIn(b));

/** Of a domain with stars, what is after the last one: an `@` before it may be one in a quoted local part. */
function domainIn({ text }: AddressPattern): Glob {
  const domain = text.slice(text.lastIndexOf('@') + 1);
  return makeGlob(domain.includes('*') ? `*${domain.slice(domain.lastIndexOf('*') + 1)}` : domain);
}

type HeaderLeaf = Extract<Leaf, { readonly fact: 'header' }>;

function headerImplies(a: HeaderLeaf, b: HeaderLeaf): boolean {
  if (a.name !== b.name) return false;
  if (b.match === 'present') return true;
  if (a.match === b.match && a.value === b.value) return true;
  return b.match === 'contains' && a.match !== 'present' && a.value.includes(b.value);
}

/** Whether `a` and `b` never hold together. */
function excludes(a: Leaf, b: Leaf): boolean {
  switch (a.fact) {
    case 'address':
      return b.fact === 'address' && a.who === b.who && addressExcludes(a.pattern, b.pattern);
    case 'kind':
      return b.fact === 'kind' && a.who === b.who && a.value !== b.value;
    case 'home':
      return b.fact === 'home' && a.value !== b.value;
    case 'emptySender':
      return 'who' in b && b.who === 'sender';
    case 'network':
      return b.fact === 'network' && networksDisjoint(a.network, b.network);
    case 'client':
      if (a.key === 'tls' && a.value !== 'verified' && b.fact === 'certificate') return true;
      return b.fact === 'client' && a.key === b.key && a.value !== b.value;
    case 'direction':
      return b.fact === 'direction' && a.value !== b.value;
    case 'over':
      return b.fact === 'under' && a.octets + 1 >= b.octets;
    default:
      return false;
  }
}

/** Facts of which exactly one value holds at any time. */
const universes: Readonly<Record<string, readonly string[]>> = {
  direction: ['inbound', 'outbound', 'internal'],
  tls: ['none', 'unverified', 'verified'],
  protocol: ['smtp', 'submission', 'lmtp', 'local'],
};

const isLimited = ({ leaf, holds }: Literal): boolean => !holds && universes[factOf(leaf)] !== undefined;

/** Whether all values of such a fact are ruled out. */
function exhausted(literals: Case): boolean {
  for (const [fact, values] of Object.entries(universes)) {
    const ruledOut = new Set(
      literals.filter(({ leaf, holds }) => !holds && factOf(leaf) === fact).map(({ leaf }) => valueIn(leaf)),
    );
    if (values.every((value) => ruledOut.has(value))) return true;
  }
  return false;
}

const factOf = (leaf: Leaf): string => (leaf.fact === 'client' ? leaf.key : leaf.fact);
const valueIn = (leaf: Leaf): string => ('value' in leaf ? (leaf.value ?? '') : '');
