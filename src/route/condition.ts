/**
 * route/condition - a formula as a closure over what is known of one recipient of one message.
 *
 * Three answers: true, false, and undefined where a fact is not known yet (size and header fields at RCPT). Unknown
 * goes through all, any and not as in Kleene's logic: `any` of true and unknown is true, `all` of false and unknown is
 * false, `not` unknown is unknown. So an answer that is given before DATA is never taken back after it.
 */
import type { Address } from '../mail/address.ts';
import type { HeaderFields } from '../mail/content.ts';
import type { Client } from '../mail/envelope.ts';
import type { DirectoryEntry } from '../ports/directory.ts';
import type { Formula, Leaf, Who } from './formula.ts';
import type { Direction } from './spec.ts';

export interface Person {
  readonly address: Address;
  /** addressKey(address). */
  readonly key: string;
  /** The same without `+detail`, where the directory knows the address without it only: rules for it hold too. */
  readonly plainKey?: string;
  /** Keys of all addresses of the entry: rules that name one of them are about the person, whichever mail was sent to. */
  readonly ownKeys?: () => ReadonlySet<string>;
  readonly entry?: DirectoryEntry;
  readonly groups?: ReadonlySet<string>;
  /** Homes.flip laid over the directory. */
  readonly override?: string;
}

/** What a condition can see. */
export interface Scene {
  readonly recipient: Person;
  /** undefined: the null reverse-path. */
  readonly sender: Person | undefined;
  readonly client: Client;
  readonly direction: Direction;
  /** The recipient's home, where there is one. */
  readonly home: string | undefined;
  readonly size: number | undefined;
  readonly headers: HeaderFields | undefined;
}

export type Truth = boolean | undefined;
export type Test = (scene: Scene) => Truth;

export function testOf(formula: Formula): Test {
  switch (formula.op) {
    case 'leaf':
      return leafTest(formula.leaf);
    case 'not':
      return negation(testOf(formula.part));
    case 'and':
      return conjunction(formula.parts.map(testOf));
    case 'or':
      return disjunction(alternatives(formula.parts));
  }
}

const negation =
  (test: Test): Test =>
  (scene) => {
    const truth = test(scene);
    return truth === undefined ? undefined : !truth;
  };

function conjunction(tests: readonly Test[]): Test {
  return (scene) => {
    let answer: Truth = true;
    for (const test of tests) {
      const truth = test(scene);
      if (truth === false) return false;
      if (truth === undefined) answer = undefined;
    }
    return answer;
  };
}

function disjunction(tests: readonly Test[]): Test {
  return (scene) => {
    let answer: Truth = false;
    for (const test of tests) {
      const truth = test(scene);
      if (truth === true) return true;
      if (truth === undefined) answer = undefined;
    }
    return answer;
  };
}

/** Long lists of addresses and domains become one look into a set. */
function alternatives(parts: readonly Formula[]): Test[] {
  const sets = { recipient: newSets(), sender: newSets() };
  const rest: Test[] = [];
  for (const part of parts) {
    if (part.op !== 'leaf' || part.leaf.fact !== 'address') rest.push(testOf(part));
    else if (part.leaf.pattern.exact) sets[part.leaf.who].keys.add(part.leaf.pattern.text);
    else if (part.leaf.pattern.domain !== undefined)
      sets[part.leaf.who].domains.add(part.leaf.pattern.domain);
    else rest.push(testOf(part));
  }
  for (const who of ['recipient', 'sender'] as const) {
    const { keys, domains } = sets[who];
    if (keys.size === 0 && domains.size === 0) continue;
    rest.unshift((scene) => {
      const person = scene[who];
      if (person === undefined) return false;
      return domains.has(person.address.domain) || (keys.size > 0 && isOneOf(person, keys));
    });
  }
  return rest;
}

const isOneOf = ({ key, plainKey, ownKeys }: Person, keys: ReadonlySet<string>): boolean =>
  keys.has(key) ||
  (plainKey !== undefined && keys.has(plainKey)) ||
  (ownKeys !== undefined && !keys.isDisjointFrom(ownKeys()));

const newSets = () => ({ keys: new Set<string>(), domains: new Set<string>() });

function leafTest(leaf: Leaf): Test {
  switch (leaf.fact) {
    case 'address':
    case 'member':
    case 'attribute':
    case 'kind':
    case 'known':
      return personTest(leaf.who, leaf);
    case 'home':
      return (scene) => scene.home === leaf.value;
    case 'emptySender':
      return (scene) => scene.sender === undefined;
    case 'network':
      return (scene) => leaf.network.contains(scene.client.ip);
    case 'client':
      return clientTest(leaf);
    case 'certificate':
      return (scene) =>
        (scene.client.tls?.certificateNames ?? []).some((name) => leaf.pattern.matches(name.toLowerCase()));
    case 'authenticated':
      return (scene) => scene.client.account !== undefined;
    case 'direction':
      return (scene) => scene.direction === leaf.value;
    case 'over':
      return (scene) => (scene.size === undefined ? undefined : scene.size > leaf.octets);
    case 'under':
      return (scene) => (scene.size === undefined ? undefined : scene.size < leaf.octets);
    case 'header':
      return headerTest(leaf);
    case 'stranger':
      // Rules meet a stranger only where they ask for one; the fact is there for logic.ts.
      return () => false;
  }
}

type PersonLeaf = Extract<Leaf, { readonly who: Who }>;

function personTest(who: Who, leaf: PersonLeaf): Test {
  const test = personCheck(leaf);
  return (scene) => {
    const person = scene[who];
    return person !== undefined && test(person);
  };
}

function personCheck(leaf: PersonLeaf): (person: Person) => boolean {
  switch (leaf.fact) {
    case 'address': {
      const { domain, exact, text } = leaf.pattern;
      if (domain !== undefined) return (person) => person.address.domain === domain;
      const only = new Set([text]);
      if (exact) return (person) => isOneOf(person, only);
      return ({ key, plainKey }) =>
        leaf.pattern.matches(key) || (plainKey !== undefined && leaf.pattern.matches(plainKey));
    }
    case 'member':
      return ({ groups }) => groups !== undefined && (groups.has(leaf.group) || groups.has(leaf.id));
    case 'attribute':
      return ({ entry }) => {
        if (entry === undefined || !Object.hasOwn(entry.attributes, leaf.name)) return false;
        const values = entry.attributes[leaf.name] ?? [];
        return leaf.value === undefined
          ? values.length > 0
          : values.some((value) => value.toLowerCase() === leaf.value);
      };
    case 'kind':
      return ({ entry }) => entry?.kind === leaf.value;
    case 'known':
      return ({ entry }) => entry !== undefined;
  }
}

function clientTest(leaf: Extract<Leaf, { readonly fact: 'client' }>): Test {
  const { value } = leaf;
  switch (leaf.key) {
    case 'site':
      return ({ client }) => client.site === value;
    case 'listener':
      return ({ client }) => client.listener === value;
    case 'protocol':
      return ({ client }) => client.protocol === value;
    case 'tls':
      return ({ client }) => tlsState(client) === value;
    case 'account':
      return ({ client }) => client.account?.toLowerCase() === value;
  }
}

const tlsState = ({ tls }: Client): 'none' | 'unverified' | 'verified' => {
  if (tls === undefined) return 'none';
  return (tls.certificateNames?.length ?? 0) > 0 ? 'verified' : 'unverified';
};

function headerTest(leaf: Extract<Leaf, { readonly fact: 'header' }>): Test {
  const matches =
    leaf.match === 'equals'
      ? (value: string) => value.toLowerCase().trim() === leaf.value
      : (value: string) => value.toLowerCase().includes(leaf.value);
  return ({ headers }) => {
    if (headers === undefined) return undefined;
    const values = headers.get(leaf.name) ?? [];
    return leaf.match === 'present' ? values.length > 0 : values.some(matches);
  };
}
