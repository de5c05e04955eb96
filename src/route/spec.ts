/**
 * route/spec - what operators say about routing, as plain values.
 *
 * config/sections/routing.ts parses the file into exactly this; compile.ts turns it into closures once, lint.ts finds
 * what cannot be meant. The hosts, TLS and credentials of a site are src/deliver's and stand here only so that a site
 * is written in one place; receive asks `recognise`.
 */
import type { EntryKind } from '../ports/directory.ts';

export type OneOrMany<T> = T | readonly T[];

export interface RoutingSpec {
  readonly domains: readonly DomainSpec[];
  readonly sites: Readonly<Record<string, SiteSpec>>;
  readonly homes: HomesSpec;
  readonly groups: GroupsSpec;
  readonly rules: readonly RuleSpec[];
  /** Mail for `postmaster`, bare or at any of our domains, goes here where the directory knows no such address. */
  readonly postmaster?: string;
  /** What is done with mail for entries whose account is disabled. */
  readonly disabled: 'deliver' | 'refuse';
}

/**
 * Exchange's meanings. authoritative: who is unknown does not exist. internalRelay: who is unknown is at `site`.
 * externalRelay: the domain is somebody else's for whom we relay; to `site`, or to its mail exchangers.
 */
export type DomainType = 'authoritative' | 'internalRelay' | 'externalRelay';

export interface DomainSpec {
  /** `example.org`, or `*.example.org` for its subdomains without itself. */
  readonly name: string;
  readonly type: DomainType;
  readonly site?: string;
  /** Unknown recipients go to this address instead. */
  readonly catchAll?: string;
}

export interface SiteSpec {
  readonly nextHops: readonly NextHopSpec[];
  readonly tls: 'none' | 'opportunistic' | 'require' | 'verify';
  readonly tlsName?: string;
  readonly implicitTls?: boolean;
  readonly ca?: string;
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
  readonly auth?: {
    readonly user: string;
    readonly password: string;
    readonly mechanism?: 'PLAIN' | 'LOGIN' | 'XOAUTH2';
  };
  readonly authWithoutTls?: boolean;
  readonly assume8bit?: boolean;
  /** Copies sent there may be addressed in this domain: `tenant.mail.onmicrosoft.com`. */
  readonly routingDomain?: string;
  /**
   * never: addresses stay as they are. prefer: the entry's own address in the routing domain, else one is made of its
   * primary local part. require: the entry's own, else the mail waits.
   */
  readonly routing: 'never' | 'prefer' | 'require';
  /** `ada+lists`: what becomes of `+lists` when an address is rewritten. */
  readonly detail: 'keep' | 'drop';
  /** Aliases are rewritten to the primary address. */
  readonly canonical: boolean;
  readonly recognise: {
    readonly networks: readonly string[];
    readonly certificateNames: readonly string[];
    /**
     * Certificate and networks are shared by all customers of a cloud: mail is the site's only if its sender is of one
     * of our domains; other mail from there is a stranger's, reports from `<>` included.
     */
    readonly ownSendersOnly?: boolean;
  };
  /** Exchange's internal header fields pass from it and to it. */
  readonly trusted: boolean;
  /** Between two transparent sites nothing is changed at all: no header field, no address. */
  readonly transparent: boolean;
  /** Mail from this site may be sent back to it. */
  readonly hairpin: boolean;
  /** Mail from this site may go to any address on the Internet. */
  readonly relay: boolean;
}

export interface NextHopSpec {
  readonly host?: string;
  readonly mx?: string;
  readonly port?: number;
  readonly protocol: 'smtp' | 'lmtp' | 'local';
  readonly priority: number;
  readonly weight: number;
}

export interface HomesSpec {
  readonly rules: readonly HomeRuleSpec[];
  readonly byKind: Readonly<Partial<Record<EntryKind, string>>>;
  readonly default?: string;
}

/** `when` may look at the recipient only, and not at its home. */
export interface HomeRuleSpec {
  readonly when?: Condition;
  readonly site: string;
}

export interface GroupsSpec {
  readonly moderated: 'hold' | 'refuse' | 'defer';
  /** Groups that cannot be expanded here: to this site, which can; undefined: refused. */
  readonly opaqueSite?: string;
}

export interface RuleSpec {
  readonly name: string;
  /** Absent: always. */
  readonly when?: Condition;
  readonly then: OneOrMany<Action>;
  /** No further rule is asked after this one; the home decides. Without meaning beside an action that decides. */
  readonly stop?: boolean;
  /** Also asked for addresses that nobody has, which otherwise are refused before any rule. */
  readonly strangers?: boolean;
}

/** Several keys in one condition: all of them hold. A list under one key: any of it. */
export interface Condition {
  readonly all?: readonly Condition[];
  readonly any?: readonly Condition[];
  readonly not?: Condition;
  readonly recipient?: RecipientCondition;
  readonly sender?: SenderCondition;
  readonly client?: ClientCondition;
  readonly direction?: OneOrMany<Direction>;
  readonly size?: { readonly over?: number; readonly under?: number };
  readonly header?: OneOrMany<HeaderCondition>;
}

export type Direction = 'inbound' | 'outbound' | 'internal';

export interface PersonCondition {
  /** `ada@example.org`, or with `*` for any run of characters: `*-test@example.org`. */
  readonly address?: OneOrMany<string>;
  /** `example.org`, or `*.example.org` for its subdomains. */
  readonly domain?: OneOrMany<string>;
  readonly attribute?: OneOrMany<AttributeCondition>;
  /** Address or directory id of a group, nested ones counted. */
  readonly memberOf?: OneOrMany<string>;
  readonly kind?: OneOrMany<EntryKind>;
  /** The directory knows the address. */
  readonly known?: boolean;
}

export interface RecipientCondition extends PersonCondition {
  readonly home?: OneOrMany<string>;
}

export interface SenderCondition extends PersonCondition {
  /** The null reverse-path `<>`: a report. */
  readonly empty?: boolean;
}

/** One of equals, in, present; values are compared without regard to case. */
export interface AttributeCondition {
  readonly name: string;
  readonly equals?: string;
  readonly in?: readonly string[];
  readonly present?: boolean;
}

export interface ClientCondition {
  readonly network?: OneOrMany<string>;
  readonly site?: OneOrMany<string>;
  readonly listener?: OneOrMany<string>;
  readonly protocol?: OneOrMany<'smtp' | 'submission' | 'lmtp' | 'local'>;
  /** none: in the clear. unverified: TLS without a certificate we trust. verified: with one. */
  readonly tls?: OneOrMany<'none' | 'unverified' | 'verified'>;
  readonly certificateName?: OneOrMany<string>;
  readonly authenticated?: boolean;
  readonly account?: OneOrMany<string>;
}

/** Values are compared without regard to case; one field of that name is enough. */
export interface HeaderCondition {
  readonly name: string;
  readonly present?: boolean;
  readonly equals?: OneOrMany<string>;
  readonly contains?: OneOrMany<string>;
}

/**
 * Several keys in one action: all are done. At most one that decides (routeTo, redirect, reject, hold) in a rule;
 * the others add up over all rules that match before one decides.
 */
export interface Action {
  readonly routeTo?: string;
  readonly redirect?: string;
  /** `550 5.7.1 Not here`; a 4xx code defers. */
  readonly reject?: string;
  readonly hold?: string;
  readonly deliverAlso?: string;
  readonly rewriteRecipient?: { readonly address?: string; readonly domain?: string };
  readonly addHeader?: { readonly name: string; readonly value: string };
  readonly journalTo?: { readonly address: string; readonly site?: string };
}

/** `path` is relative to the section: `rules[3].when`. */
export interface RoutingProblem {
  readonly path: string;
  readonly text: string;
  readonly severity: 'error' | 'warning';
}

export const asList = <T>(value: OneOrMany<T> | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];
