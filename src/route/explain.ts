/**
 * route/explain - a decision told to people: `isthmus route explain ADDRESS`.
 *
 * It asks the same Routing as the server does. A group is followed to its members, each asked as the spool would, down
 * to a depth and a number that keep the answer readable; what is left out is said.
 */
import { type Address, addressKey, printPath } from '../mail/address.ts';
import { printReply } from '../mail/reply.ts';
import { type Copy, copiesOf, type Decision, nextHopKey } from '../mail/route.ts';
import type { Directory } from '../ports/directory.ts';
import type { Question, Routing } from '../ports/routing.ts';

export interface ExplainServices {
  readonly routing: Routing;
  readonly directory: Pick<Directory, 'members' | 'entry'>;
}

export interface ExplainLimits {
  /** Groups within groups. */
  readonly depth: number;
  /** Members in all. */
  readonly members: number;
}

export interface Explanation {
  readonly recipient: string;
  readonly sender: string;
  readonly verdict: Decision['verdict'];
  /** The reply, the reason of a hold, or the number of copies in a word. */
  readonly says: string;
  readonly copies: readonly ExplainedCopy[];
  readonly because: readonly string[];
  /** Only of a group: who is in it, and what becomes of each. */
  readonly members?: readonly Explanation[];
  /** Members that were skipped, and why; and whether more were left out. */
  readonly notes?: readonly string[];
}

export interface ExplainedCopy {
  readonly nextHop: string;
  readonly recipient: string;
  readonly purpose: Copy['purpose'];
  readonly addHeaders: readonly string[];
  readonly removeHeaders: readonly string[];
}

const usualLimits: ExplainLimits = { depth: 4, members: 50 };
const more = 'there are more members than are shown';
/** Members of one group that are looked at: some are skipped. */
const listedAtMost = 1_000;

export async function explain(
  services: ExplainServices,
  question: Question,
  signal: AbortSignal,
  limits: ExplainLimits = usualLimits,
): Promise<Explanation> {
  const budget = { left: limits.members, seen: new Set([addressKey(question.recipient)]) };
  return explainOne(services, question, limits.depth, budget, signal);
}

interface Budget {
  left: number;
  readonly seen: Set<string>;
}

async function explainOne(
  services: ExplainServices,
  question: Question,
  depth: number,
  budget: Budget,
  signal: AbortSignal,
): Promise<Explanation> {
  const decision = await services.routing.route(question, signal);
  const told = tell(question, decision);
  if (decision.verdict !== 'expand') return told;
  if (depth === 0) return { ...told, notes: ['groups within groups are not followed further'] };
  const members: Explanation[] = [];
  const notes: string[] = [];
  const from = [...(question.expandedFrom ?? []), decision.group.id];
  for await (const { address, expandedFrom } of reached(services, from, notes, signal)) {
    if (budget.left === 0) {
      notes.push(more);
      break;
    }
    if (budget.seen.has(addressKey(address))) {
      notes.push(`${address.text} has a copy already`);
      continue;
    }
    budget.seen.add(addressKey(address));
    budget.left -= 1;
    const asked = { ...question, recipient: address, expandedFrom };
    members.push(await explainOne(services, asked, depth - 1, budget, signal));
  }
  return { ...told, members, ...(notes.length === 0 ? {} : { notes }) };
}

interface Reached {
  readonly address: Address;
  readonly expandedFrom: readonly string[];
}

/** Members of the last group in `from`. Groups without an address are entered, as the spool does (queue/expand). */
async function* reached(
  services: ExplainServices,
  from: readonly string[],
  notes: string[],
  signal: AbortSignal,
): AsyncGenerator<Reached> {
  const entered = new Set(from);
  const pending = [from];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    // Read to its end first: while it is read, the directory holds a connection for it.
    const listed = await firstOf(services.directory.members(path.at(-1) ?? '', signal), listedAtMost);
    for (const member of listed) {
      if (member.kind === 'unusable') {
        notes.push(`${member.where} is skipped: ${member.why}`);
        continue;
      }
      const address = await addressOf(services, member, signal);
      if (address !== undefined) yield { address, expandedFrom: path };
      else if (member.kind === 'group' && !entered.has(member.id)) {
        entered.add(member.id);
        pending.push([...path, member.id]);
      }
    }
    if (listed.length === listedAtMost) {
      notes.push(more);
      return;
    }
  }
}

async function firstOf<T>(all: AsyncIterable<T>, most: number): Promise<readonly T[]> {
  const first: T[] = [];
  for await (const one of all) {
    first.push(one);
    if (first.length >= most) break;
  }
  return first;
}

async function addressOf(
  { directory }: ExplainServices,
  member: { readonly kind: 'entry' | 'group'; readonly address?: Address; readonly id?: string },
  signal: AbortSignal,
): Promise<Address | undefined> {
  if (member.address !== undefined || member.id === undefined) return member.address;
  return (await directory.entry(member.id, signal))?.primary;
}

function tell(question: Question, decision: Decision): Explanation {
  return {
    recipient: question.recipient.text,
    sender: printPath(question.sender),
    verdict: decision.verdict,
    says: saying(decision),
    copies: copiesOf(decision).map(({ nextHop, recipient, purpose, addHeaders, removeHeaders }) => ({
      nextHop: nextHopKey(nextHop),
      recipient: recipient.text,
      purpose,
      addHeaders,
      removeHeaders,
    })),
    because: decision.because,
  };
}

function saying(decision: Decision): string {
  switch (decision.verdict) {
    case 'refuse':
    case 'defer':
      return printReply(decision.reply);
    case 'hold':
      return decision.reason;
    case 'expand': {
      const { reportTo } = decision.group;
      if (reportTo === undefined) return 'failures go to the sender';
      return reportTo === null ? 'failures go to nobody' : `failures go to ${reportTo.text}`;
    }
    case 'deliver':
      return decision.copies.length === 1 ? 'one copy' : `${decision.copies.length} copies`;
  }
}

/** For a terminal; `--json` prints the Explanation itself. */
export function printExplanation(explanation: Explanation, indent = ''): string {
  const { recipient, verdict, says, copies, because, members, notes } = explanation;
  const lines = [`${recipient}: ${verdict}, ${says}`];
  const width = Math.max(0, ...copies.map(({ nextHop }) => nextHop.length));
  for (const { nextHop, recipient: to, purpose, addHeaders, removeHeaders } of copies) {
    lines.push(`  ${nextHop.padEnd(width)}  ${to}${purpose === 'delivery' ? '' : `  (${purpose})`}`);
    for (const header of addHeaders) lines.push(`  ${' '.repeat(width)}  + ${header}`);
    if (removeHeaders.length > 0) lines.push(`  ${' '.repeat(width)}  - ${removeHeaders.join(', ')}`);
  }
  lines.push('  because', ...because.map((reason) => `    ${reason}`));
  if (members !== undefined) lines.push(`  members (${members.length})`);
  const printed = lines.map((line) => indent + line);
  for (const member of members ?? []) printed.push(printExplanation(member, `${indent}    `));
  for (const note of notes ?? []) printed.push(`${indent}    (${note})`);
  return printed.join('\n');
}
