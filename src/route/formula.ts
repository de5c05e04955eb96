/**
 * route/formula - a rule's condition, taken apart into single facts.
 *
 * The one reading of the operator's words: condition.ts makes closures of it, logic.ts reasons about it, so that the
 * two cannot disagree about what a rule means.
 */
import { addressKey, parseAddress } from '../mail/address.ts';
import type { EntryKind } from '../ports/directory.ts';
import {
  type AddressPattern,
  type Glob,
  makeGlob,
  type Network,
  parseAddressPattern,
  parseDomainPattern,
  parseNetwork,
  SpecError,
} from './pattern.ts';
import {
  type AttributeCondition,
  asList,
  type ClientCondition,
  type Condition,
  type Direction,
  type HeaderCondition,
  type OneOrMany,
  type PersonCondition,
} from './spec.ts';

export type Who = 'recipient' | 'sender';

export type Leaf =
  | { readonly fact: 'address'; readonly who: Who; readonly pattern: AddressPattern }
  | { readonly fact: 'member'; readonly who: Who; readonly group: string; readonly id: string }
  /** Without value: the attribute is there. */
  | { readonly fact: 'attribute'; readonly who: Who; readonly name: string; readonly value?: string }
  | { readonly fact: 'kind'; readonly who: Who; readonly value: EntryKind }
  | { readonly fact: 'known'; readonly who: Who }
  | { readonly fact: 'home'; readonly value: string }
  | { readonly fact: 'emptySender' }
  | { readonly fact: 'network'; readonly network: Network }
  | { readonly fact: 'client'; readonly key: ClientKey; readonly value: string }
  | { readonly fact: 'certificate'; readonly pattern: Glob }
  | { readonly fact: 'authenticated' }
  | { readonly fact: 'direction'; readonly value: Direction }
  | { readonly fact: 'over'; readonly octets: number }
  | { readonly fact: 'under'; readonly octets: number }
  | {
      readonly fact: 'header';
      readonly name: string;
      readonly match: 'present' | 'equals' | 'contains';
      readonly value: string;
    }
  /** Nobody has the address, and mail for it would be refused. */
  | { readonly fact: 'stranger' };

export type ClientKey = 'site' | 'listener' | 'protocol' | 'tls' | 'account';

export type Formula =
  | { readonly op: 'leaf'; readonly leaf: Leaf }
  | { readonly op: 'and' | 'or'; readonly parts: readonly Formula[] }
  | { readonly op: 'not'; readonly part: Formula };

export const leaf = (fact: Leaf): Formula => ({ op: 'leaf', leaf: fact });
export const not = (part: Formula): Formula => ({ op: 'not', part });
const and = (parts: readonly Formula[]): Formula =>
  parts.length === 1 && parts[0] !== undefined ? parts[0] : { op: 'and', parts };
const or = (parts: readonly Formula[]): Formula =>
  parts.length === 1 && parts[0] !== undefined ? parts[0] : { op: 'or', parts };

/** Throws SpecError where a word is not understood. Absent: always true. */
export function formulaOf(condition: Condition | undefined): Formula {
  if (condition === undefined) return and([]);
  const parts: Formula[] = [];
  if (condition.all) parts.push(and(condition.all.map(formulaOf)));
  if (condition.any) parts.push(or(condition.any.map(formulaOf)));
  if (condition.not) parts.push(not(formulaOf(condition.not)));
  if (condition.recipient) {
    parts.push(...person('recipient', condition.recipient));
    anyOf(parts, condition.recipient.home, (value) => ({ fact: 'home', value }));
  }
  if (condition.sender) {
    parts.push(...person('sender', condition.sender));
    flag(parts, condition.sender.empty, { fact: 'emptySender' });
  }
  if (condition.client) parts.push(...client(condition.client));
  anyOf(parts, condition.direction, (value) => ({ fact: 'direction', value }));
  if (condition.size?.over !== undefined) parts.push(leaf({ fact: 'over', octets: condition.size.over }));
  if (condition.size?.under !== undefined) parts.push(leaf({ fact: 'under', octets: condition.size.under }));
  if (condition.header !== undefined) parts.push(or(asList(condition.header).map(header)));
  return and(parts);
}

function person(who: Who, condition: PersonCondition): Formula[] {
  const parts: Formula[] = [];
  anyOf(parts, condition.address, (text) => ({ fact: 'address', who, pattern: parseAddressPattern(text) }));
  anyOf(parts, condition.domain, (text) => ({ fact: 'address', who, pattern: parseDomainPattern(text) }));
  anyOf(parts, condition.memberOf, (text) => groupLeaf(who, text));
  anyOf(parts, condition.kind, (value) => ({ fact: 'kind', who, value }));
  flag(parts, condition.known, { fact: 'known', who });
  if (condition.attribute !== undefined) {
    parts.push(or(asList(condition.attribute).map((one) => attribute(who, one))));
  }
  return parts;
}

function groupLeaf(who: Who, text: string): Leaf {
  const address = parseAddress(text);
  return { fact: 'member', who, group: address === undefined ? text : addressKey(address), id: text };
}

function attribute(who: Who, condition: AttributeCondition): Formula {
  const name = condition.name.toLowerCase();
  const values = [...(condition.in ?? []), ...(condition.equals === undefined ? [] : [condition.equals])];
  const parts: Formula[] = [];
  if (values.length > 0) {
    parts.push(or(values.map((value) => leaf({ fact: 'attribute', who, name, value: value.toLowerCase() }))));
  }
  flag(parts, condition.present, { fact: 'attribute', who, name });
  if (parts.length === 0) {
    throw new SpecError(`expected one of equals, in, present for attribute "${condition.name}"`);
  }
  return and(parts);
}

function client(condition: ClientCondition): Formula[] {
  const parts: Formula[] = [];
  anyOf(parts, condition.network, (text) => ({ fact: 'network', network: parseNetwork(text) }));
  for (const key of ['site', 'listener', 'protocol', 'tls', 'account'] as const) {
    const values = condition[key] as OneOrMany<string> | undefined;
    anyOf(parts, values, (value) => ({
      fact: 'client',
      key,
      value: key === 'account' ? value.toLowerCase() : value,
    }));
  }
  anyOf(parts, condition.certificateName, (text) => ({
    fact: 'certificate',
    pattern: makeGlob(text.toLowerCase()),
  }));
  flag(parts, condition.authenticated, { fact: 'authenticated' });
  return parts;
}

function header(condition: HeaderCondition): Formula {
  const name = condition.name.toLowerCase();
  const parts: Formula[] = [];
  for (const match of ['equals', 'contains'] as const) {
    anyOf(parts, condition[match], (value) => ({ fact: 'header', name, match, value: value.toLowerCase() }));
  }
  flag(parts, condition.present, { fact: 'header', name, match: 'present', value: '' });
  if (parts.length === 0) {
    throw new SpecError(`expected one of present, equals, contains for header "${condition.name}"`);
  }
  return and(parts);
}

function anyOf<T>(parts: Formula[], values: OneOrMany<T> | undefined, make: (value: T) => Leaf): void {
  if (values !== undefined) parts.push(or(asList(values).map((value) => leaf(make(value)))));
}

function flag(parts: Formula[], wanted: boolean | undefined, fact: Leaf): void {
  if (wanted !== undefined) parts.push(wanted ? leaf(fact) : not(leaf(fact)));
}

/** All facts that a formula looks at. */
export function* leavesOf(formula: Formula): Generator<Leaf> {
  if (formula.op === 'leaf') yield formula.leaf;
  else if (formula.op === 'not') yield* leavesOf(formula.part);
  else for (const part of formula.parts) yield* leavesOf(part);
}
