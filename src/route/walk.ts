/**
 * route/walk - one decision under way: what was asked, what is known, and what rules have said so far.
 *
 * Nothing here outlives one call of resolve(). A step ends the walk with a Decision, goes on with another address
 * (redirect, targetAddress, catch-all), or asks for facts that the router must fetch.
 */
import { type Address, addressKey } from '../mail/address.ts';
import { type ConditionName, replyFor } from '../mail/condition.ts';
import type { Decision } from '../mail/route.ts';
import type { DirectoryEntry, Lookup } from '../ports/directory.ts';
import type { Question } from '../ports/routing.ts';
import type { Compiled, Effect } from './compile.ts';

/** What the directory said, as far as it was asked. */
export interface Facts {
  /** By addressKey. */
  readonly lookups: ReadonlyMap<string, Lookup>;
  /** By id; undefined as value: there is no such entry. */
  readonly entries: ReadonlyMap<string, DirectoryEntry | undefined>;
}

/** Facts that are missing; ask again with them. */
export interface Ask {
  readonly verdict: 'ask';
  readonly addresses: readonly Address[];
  readonly entryIds: readonly string[];
}

/** A decision whose `because` is still in the walk. */
export type Verdict = { [V in Decision as V['verdict']]: Omit<V, 'because'> }[Decision['verdict']];

export type Step = Verdict | Ask | { readonly verdict: 'again'; readonly address: Address };

export interface Walk {
  readonly question: Question;
  readonly facts: Facts;
  readonly compiled: Compiled;
  readonly because: string[];
  /** Keys of all addresses that were the recipient in this walk. */
  readonly visited: Set<string>;
  /** The recipient now. */
  address: Address;
  /** It is not what the client asked for: a group's member, or the walk went on from another address. */
  changed: boolean;
  /** Mail for postmaster: no rule refuses, holds or redirects it. */
  unrefusable: boolean;
  /** What matching rules added; a rule adds once, however long the walk. */
  readonly effects: Map<string, readonly Effect[]>;
  /** Rules that may yet decide otherwise than by a refusal, once the message is here. */
  readonly pending: Set<string>;
}

export function beginWalk(asked: Question, facts: Facts, compiled: Compiled): Walk {
  const question = isOneOfMany(asked, compiled) ? withoutSite(asked) : asked;
  const because =
    question === asked
      ? []
      : [
          `from the servers of ${asked.client.site}, which others share: the sender is not ours, so it is mail from outside`,
        ];
  return {
    question,
    facts,
    compiled,
    because,
    visited: new Set([addressKey(question.recipient)]),
    address: question.recipient,
    changed: (question.expandedFrom?.length ?? 0) > 0,
    unrefusable: false,
    effects: new Map(),
    pending: new Set(),
  };
}

/** It came from servers that a cloud's customers share, and nothing says that it is our tenant's. */
function isOneOfMany({ client, sender }: Question, compiled: Compiled): boolean {
  if (client.site === undefined || compiled.sites.get(client.site)?.ownSendersOnly !== true) return false;
  return sender === null || compiled.domain(sender.domain) === undefined;
}

function withoutSite(question: Question): Question {
  const { site: _shared, ...client } = question.client;
  return { ...question, client };
}

export const ask = (addresses: readonly Address[], entryIds: readonly string[] = []): Ask => ({
  verdict: 'ask',
  addresses,
  entryIds,
});

/** `text` is said to the client, `why` to our own people. */
export function refuse(walk: Walk, condition: ConditionName, why: string, text?: string): Verdict {
  walk.because.push(why);
  return { verdict: 'refuse', reply: replyFor('never', condition, text) };
}

export function defer(walk: Walk, condition: ConditionName, why: string, text?: string): Verdict {
  walk.because.push(why);
  return { verdict: 'defer', reply: replyFor('later', condition, text) };
}

export function hold(walk: Walk, reason: string, why: string): Verdict {
  walk.because.push(why);
  return { verdict: 'hold', reason };
}
