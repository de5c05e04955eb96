/**
 * route/compile - the operator's words, made ready once: closures, maps and sets, so that a decision costs a few
 * microseconds. A reload compiles anew and swaps the whole.
 *
 * lint.ts looks for mistakes first; what cannot be understood at all is thrown here as SpecError, naming the rule.
 */
import { type Address, parseAddress } from '../mail/address.ts';
import { parseReply, type Reply } from '../mail/reply.ts';
import { type Test, testOf } from './condition.ts';
import { type Formula, formulaOf, type Leaf, leavesOf } from './formula.ts';
import { parseDomainPattern, SpecError } from './pattern.ts';
import { makeRecognition, type Recognition } from './recognise.ts';
import {
  type Action,
  asList,
  type DomainSpec,
  type DomainType,
  type GroupsSpec,
  type HomesSpec,
  type RoutingSpec,
  type RuleSpec,
  type SiteSpec,
} from './spec.ts';

export interface Compiled {
  domain(name: string): AcceptedDomain | undefined;
  /** The site whose routing domain this is. */
  readonly routingDomains: ReadonlyMap<string, string>;
  readonly sites: ReadonlyMap<string, Site>;
  readonly homes: Homes;
  readonly groups: GroupsSpec;
  readonly rules: readonly Rule[];
  readonly postmaster?: Address;
  readonly disabled: 'deliver' | 'refuse';
  readonly recognise: Recognition;
  /** Lower-case names of header fields that some rule looks at. */
  readonly headerNames: readonly string[];
  /** Lower-case names of attributes that some rule looks at: the directory is to keep them. */
  readonly attributeNames: readonly string[];
  /** Some rule asks for group membership. */
  readonly needsGroups: boolean;
  /** Some rule asks the directory about the sender. */
  readonly needsSender: boolean;
  /** Some rule asks the directory about the recipient, so that also people elsewhere are looked up. */
  readonly needsRecipient: boolean;
}

export interface AcceptedDomain {
  readonly name: string;
  readonly type: DomainType;
  readonly site?: string;
  readonly catchAll?: Address;
}

export interface Site extends Pick<SiteSpec, 'routing' | 'detail' | 'canonical' | 'trusted' | 'transparent'> {
  readonly name: string;
  readonly hairpin: boolean;
  readonly relay: boolean;
  readonly ownSendersOnly: boolean;
  readonly routingDomain?: string;
}

export interface Homes {
  readonly rules: readonly { readonly test: Test; readonly site: string; readonly number: number }[];
  readonly byKind: HomesSpec['byKind'];
  readonly default?: string;
}

export type Final =
  | { readonly action: 'routeTo'; readonly site: string }
  | { readonly action: 'redirect'; readonly address: Address }
  | { readonly action: 'reject'; readonly reply: Reply }
  | { readonly action: 'hold'; readonly reason: string }
  /** No further rule; the home decides. */
  | { readonly action: 'stop' };

export type Effect =
  | { readonly effect: 'deliverAlso'; readonly site: string }
  | { readonly effect: 'rewrite'; readonly address?: Address; readonly domain?: string }
  | { readonly effect: 'addHeader'; readonly line: string }
  | { readonly effect: 'journalTo'; readonly address: Address; readonly site?: string };

export interface Rule {
  readonly name: string;
  readonly test: Test;
  readonly strangers: boolean;
  readonly final?: Final;
  readonly effects: readonly Effect[];
}

export function compile(spec: RoutingSpec): Compiled {
  const formulas = spec.rules.map((rule) => named(rule.name, () => formulaOf(rule.when)));
  const homes = compileHomes(spec.homes);
  const leaves = [...formulas, ...homes.formulas].flatMap((formula) => [...leavesOf(formula)]);
  const directory = leaves.filter(asksDirectory);
  return {
    domain: domainTable(spec.domains),
    routingDomains: routingDomains(spec),
    sites: new Map(Object.entries(spec.sites).map(([name, site]) => [name, compileSite(name, site)])),
    homes: homes.compiled,
    groups: spec.groups,
    rules: spec.rules.map((rule, index) => compileRule(rule, formulas[index] ?? formulaOf(rule.when))),
    ...(spec.postmaster === undefined ? {} : { postmaster: address(spec.postmaster) }),
    disabled: spec.disabled,
    recognise: makeRecognition(spec.sites),
    headerNames: distinct(leaves, (leaf) => (leaf.fact === 'header' ? leaf.name : undefined)),
    attributeNames: distinct(leaves, (leaf) => (leaf.fact === 'attribute' ? leaf.name : undefined)),
    needsGroups: leaves.some((leaf) => leaf.fact === 'member'),
    needsSender: directory.some((leaf) => 'who' in leaf && leaf.who === 'sender'),
    needsRecipient: directory.some((leaf) => 'who' in leaf && leaf.who === 'recipient'),
  };
}

/** Patterns look at the address as it is written; one whole address is about whoever has it. */
const asksDirectory = (leaf: Leaf): boolean =>
  'who' in leaf && (leaf.fact !== 'address' || leaf.pattern.exact);

const distinct = (leaves: readonly Leaf[], name: (leaf: Leaf) => string | undefined): readonly string[] =>
  [...new Set(leaves.map(name).filter((one) => one !== undefined))].sort();

/** Runs `make`, and says in which rule it was that a word was not understood. */
function named<T>(rule: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof SpecError) throw new SpecError(`rule ${rule}: ${error.message}`);
    throw error;
  }
}

/** Exact names win over `*.` ones, and longer suffixes over shorter. */
function domainTable(specs: readonly DomainSpec[]): Compiled['domain'] {
  const exact = new Map<string, AcceptedDomain>();
  const below = new Map<string, AcceptedDomain>();
  for (const spec of specs) {
    parseDomainPattern(spec.name);
    const { catchAll, ...rest } = spec;
    const domain = { ...rest, ...(catchAll === undefined ? {} : { catchAll: address(catchAll) }) };
    if (spec.name.startsWith('*.')) below.set(domainOf(spec.name.slice(2)), domain);
    else exact.set(domainOf(spec.name), domain);
  }
  return (name) => {
    const found = exact.get(name);
    if (found !== undefined || below.size === 0) return found;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const parent = below.get(name.slice(dot + 1));
      if (parent !== undefined) return parent;
    }
    return undefined;
  };
}

/** `example.org` in the form that addresses carry. */
export const domainOf = (text: string): string => parseDomainPattern(text).domain ?? text;

function routingDomains(spec: RoutingSpec): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, site] of Object.entries(spec.sites)) {
    if (site.routingDomain !== undefined) found.set(domainOf(site.routingDomain), name);
  }
  return found;
}

function compileSite(name: string, spec: SiteSpec): Site {
  const { routing, detail, canonical, trusted, transparent, hairpin, relay, routingDomain } = spec;
  const { ownSendersOnly = false } = spec.recognise;
  return {
    name,
    ...{ routing, detail, canonical, trusted, transparent, hairpin, relay, ownSendersOnly },
    ...(routingDomain === undefined ? {} : { routingDomain: domainOf(routingDomain) }),
  };
}

function compileHomes(spec: HomesSpec): { readonly compiled: Homes; readonly formulas: readonly Formula[] } {
  const formulas = spec.rules.map((rule, index) =>
    named(`homes.rules[${index}]`, () => formulaOf(rule.when)),
  );
  const rules = spec.rules.map(({ site }, index) => ({
    test: testOf(formulas[index] ?? formulaOf(undefined)),
    site,
    number: index + 1,
  }));
  const compiled = {
    rules,
    byKind: spec.byKind,
    ...(spec.default === undefined ? {} : { default: spec.default }),
  };
  return { compiled, formulas };
}

function compileRule(spec: RuleSpec, formula: Formula): Rule {
  return named(spec.name, () => {
    const actions = asList(spec.then);
    const finals = actions.flatMap(finalsOf);
    if (finals.length > 1) throw new SpecError('has more than one action that decides');
    const final = finals[0] ?? (spec.stop === true ? ({ action: 'stop' } as const) : undefined);
    return {
      name: spec.name,
      test: testOf(formula),
      strangers: spec.strangers ?? false,
      ...(final === undefined ? {} : { final }),
      effects: actions.flatMap(effectsOf),
    };
  });
}

function finalsOf(action: Action): Final[] {
  const finals: Final[] = [];
  if (action.routeTo !== undefined) finals.push({ action: 'routeTo', site: action.routeTo });
  if (action.redirect !== undefined) finals.push({ action: 'redirect', address: address(action.redirect) });
  if (action.reject !== undefined) finals.push({ action: 'reject', reply: rejection(action.reject) });
  if (action.hold !== undefined) finals.push({ action: 'hold', reason: action.hold });
  return finals;
}

function effectsOf(action: Action): Effect[] {
  const effects: Effect[] = [];
  const { deliverAlso, rewriteRecipient, addHeader, journalTo } = action;
  if (deliverAlso !== undefined) effects.push({ effect: 'deliverAlso', site: deliverAlso });
  if (rewriteRecipient?.address !== undefined) {
    effects.push({ effect: 'rewrite', address: address(rewriteRecipient.address) });
  } else if (rewriteRecipient?.domain !== undefined) {
    effects.push({ effect: 'rewrite', domain: domainOf(rewriteRecipient.domain) });
  }
  if (addHeader !== undefined) effects.push({ effect: 'addHeader', line: headerLine(addHeader) });
  if (journalTo !== undefined) {
    const { site } = journalTo;
    const to = address(journalTo.address);
    effects.push({ effect: 'journalTo', address: to, ...(site === undefined ? {} : { site }) });
  }
  return effects;
}

/** One line, so that no rule can write a second field or end the header section (RFC 5322 §2.2). */
function headerLine({ name, value }: { readonly name: string; readonly value: string }): string {
  if (!/^[\x21-\x39\x3b-\x7e]{1,76}$/.test(name))
    throw new SpecError(`expected a header name, found "${name}"`);
  if (!/^[\t\x20-\x7e]{0,900}$/.test(value))
    throw new SpecError('expected a header value on one line of ASCII');
  return `${name}: ${value}`;
}

function rejection(text: string): Reply {
  const reply = parseReply(text);
  const agrees = reply?.enhanced === undefined || reply.enhanced[0] === String(reply.code)[0];
  if (reply === undefined || reply.code < 400 || !agrees) {
    throw new SpecError(`expected a reply such as "550 5.7.1 Not here", found "${text}"`);
  }
  // RFC 2034: every refusal carries an enhanced code; without one it is a matter of policy.
  return { ...reply, enhanced: reply.enhanced ?? `${reply.code < 500 ? 4 : 5}.7.1` };
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new SpecError(`expected a mail address, found "${text}"`);
  return parsed;
}
