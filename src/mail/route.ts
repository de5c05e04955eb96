/**
 * mail/route - where one recipient's copy goes next, and why.
 */
import type { Address } from './address.ts';
import type { Reply } from './reply.ts';

/**
 * Where the next copy goes. A `site` is one of the operator's, and its hosts, TLS
 * policy and credentials are in the configuration under that name; `mx` is the
 * Internet, by the domain's mail exchangers.
 */
export type NextHop =
  | { readonly kind: 'site'; readonly site: string }
  | { readonly kind: 'mx'; readonly domain: string };

/** The spool groups and limits by this: `site:onprem`, `mx:example.org`. */
export const nextHopKey = (hop: NextHop): string =>
  hop.kind === 'site' ? `site:${hop.site}` : `mx:${hop.domain}`;

/** One step of reasoning, for people: `directory: home is cloud`, `rule legal-hold: holds`. */
export type Because = readonly string[];

/** One copy to deliver. A recipient has several when a rule says dual delivery. */
export interface Copy {
  /** The address at RCPT of the next hop, rewritten where the site asks for its routing domain. */
  readonly recipient: Address;
  readonly nextHop: NextHop;
  /** Header fields that rules put on top, each a whole `Name: value` line without CRLF. */
  readonly addHeaders: readonly string[];
  /** Names of header fields, lower case, with `*` at the end for a prefix, taken out of this copy (header firewall). */
  readonly removeHeaders: readonly string[];
  /** MAIL FROM of this copy where it is not the message's own (a group's owner; RFC 5321 §3.9.2). */
  readonly sender?: Address | null;
  /** `journal`: a copy for the record, whose failure is no business of the sender's. `dual`: an additional copy. */
  readonly purpose: 'delivery' | 'dual' | 'journal';
}

/** What `route` decides for one recipient. */
export type Decision =
  | { readonly verdict: 'deliver'; readonly copies: readonly Copy[]; readonly because: Because }
  | {
      readonly verdict: 'expand';
      readonly group: GroupExpansion;
      /** Journal and additional copies of the group's own address, beside those of its members; absent: none. */
      readonly copies?: readonly Copy[];
      readonly because: Because;
    }
  | { readonly verdict: 'refuse'; readonly reply: Reply; readonly because: Because }
  | { readonly verdict: 'defer'; readonly reply: Reply; readonly because: Because }
  | { readonly verdict: 'hold'; readonly reason: string; readonly because: Because };

/** All copies that a decision makes at once; of a group, those beside its members'. */
export function copiesOf(decision: Decision): readonly Copy[] {
  if (decision.verdict === 'deliver') return decision.copies;
  return decision.verdict === 'expand' ? (decision.copies ?? []) : [];
}

export interface GroupExpansion {
  /** The directory's id of the group, for Directory.members. */
  readonly id: string;
  readonly address: Address;
  /** Failures of members are reported to it instead of the sender; undefined: to the sender; null: to nobody. */
  readonly reportTo?: Address | null;
}
