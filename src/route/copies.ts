/**
 * route/copies - the copies of one recipient: to whom at the next hop, with which header fields.
 *
 * Header firewall: Exchange's internal fields (X-MS-Exchange-Organization-*, -CrossPremises-*, -Forest-*) pass only
 * from a trusted site to a trusted site; out of every other copy they are taken. They are never made here.
 * Loops: a recipient who would be sent back where the message came from, or a third time to the same site, is refused.
 */
import { type Address, addressKey, makeAddress } from '../mail/address.ts';
import type { Copy, NextHop } from '../mail/route.ts';
import type { DirectoryEntry, Lookup } from '../ports/directory.ts';
import type { Compiled, Effect, Site } from './compile.ts';
import type { Person, Scene } from './condition.ts';
import { homeOf } from './home.ts';
import { type Ask, ask, defer, hold, refuse, type Step, type Verdict, type Walk } from './walk.ts';

export const internalHeaders: readonly string[] = [
  'x-ms-exchange-organization-*',
  'x-ms-exchange-crosspremises-*',
  'x-ms-exchange-forest-*',
];

const none: readonly string[] = [];

/** How the current address was found, for rewriting it. */
export interface Found {
  readonly person: Person;
  readonly by?: 'exact' | 'detail' | 'target';
}

/** Delivery to a site, with all that rules added; refused where it would loop, deferred where it cannot be addressed. */
export function toSite(walk: Walk, scene: Scene, name: string, found: Found): Step {
  const site = walk.compiled.sites.get(name);
  if (site === undefined) return defer(walk, 'noRoute', `there is no site ${name} in the configuration`);
  const loop = loopThrough(walk, site);
  if (loop !== undefined) return refuse(walk, 'loop', loop);
  const recipient = recipientAt(walk, site, found, true);
  if (recipient === undefined) return unaddressable(walk, site);
  if (addressKey(recipient) !== addressKey(walk.address)) {
    walk.because.push(`addressed to ${recipient.text}`);
  }
  return withExtras(walk, scene, copyTo(walk, { kind: 'site', site: name }, recipient, 'delivery'), found);
}

export function toMx(walk: Walk, scene: Scene, domain: string, found: Found): Step {
  const recipient = rewritten(walk) ?? walk.address;
  if (recipient !== walk.address) walk.because.push(`addressed to ${recipient.text}`);
  return withExtras(walk, scene, copyTo(walk, { kind: 'mx', domain }, recipient, 'delivery'), found);
}

const unaddressable = (walk: Walk, site: Site): Verdict =>
  defer(
    walk,
    'noRoute',
    `site ${site.name} requires an address in ${site.routingDomain ?? 'its routing domain'}, and the directory has none`,
  );

/** Why a copy to `site` would go in a circle; undefined when it would not. */
function loopThrough({ question, changed }: Walk, site: Site): string | undefined {
  if (question.client.site === site.name && !changed && !site.hairpin) {
    return `loop: came from ${site.name} and would go back to it`;
  }
  const passes = (question.sitesSeen ?? none).filter((seen) => seen === site.name).length;
  return passes >= 2 ? `loop: has been sent to ${site.name} ${passes} times before` : undefined;
}

function copyTo(walk: Walk, nextHop: NextHop, recipient: Address, purpose: Copy['purpose']): Copy {
  const { compiled, question } = walk;
  const from = question.client.site === undefined ? undefined : compiled.sites.get(question.client.site);
  const to = nextHop.kind === 'site' ? compiled.sites.get(nextHop.site) : undefined;
  const addHeaders =
    purpose === 'journal' || untouched(from, to)
      ? none
      : effectsOf(walk, 'addHeader').map(({ line }) => line);
  const removeHeaders = from?.trusted === true && to?.trusted === true ? none : internalHeaders;
  return { recipient, nextHop, addHeaders, removeHeaders, purpose };
}

const untouched = (from: Site | undefined, to: Site | undefined): boolean =>
  from !== undefined && to !== undefined && from.trusted && to.trusted && from.transparent && to.transparent;

type Of<E extends Effect['effect']> = Extract<Effect, { readonly effect: E }>;

function effectsOf<E extends Effect['effect']>(walk: Walk, kind: E): readonly Of<E>[] {
  if (walk.effects.size === 0) return [];
  return [...walk.effects.values()].flat().filter((one): one is Of<E> => one.effect === kind);
}

/** The last rule that rewrites wins. */
function rewritten(walk: Walk): Address | undefined {
  const rewrite = effectsOf(walk, 'rewrite').at(-1);
  if (rewrite === undefined) return undefined;
  if (rewrite.address !== undefined) return rewrite.address;
  return rewrite.domain === undefined ? undefined : makeAddress(walk.address.local, rewrite.domain);
}

/** The address at RCPT of `site`; undefined where it requires one in its routing domain and there is none. */
function recipientAt(walk: Walk, site: Site, found: Found, byRules: boolean): Address | undefined {
  const { compiled, question, address } = walk;
  const from = question.client.site === undefined ? undefined : compiled.sites.get(question.client.site);
  if (untouched(from, site)) return address;
  const byRule = byRules ? rewritten(walk) : undefined;
  if (byRule !== undefined) return byRule;
  const { entry } = found.person;
  if (entry === undefined || entry.kind === 'group') return address;
  const detail = found.by === 'detail' && site.detail === 'keep' ? detailOf(address, entry.addresses) : '';
  if (site.routingDomain !== undefined && site.routing !== 'never') {
    if (address.domain === site.routingDomain) return address;
    const own = [entry.targetAddress, ...entry.addresses].find((one) => one?.domain === site.routingDomain);
    if (own !== undefined) return withDetail(own, detail);
    if (site.routing === 'require') return undefined;
    return withDetail(makeAddress((entry.primary ?? address).local, site.routingDomain), detail);
  }
  return canonical(walk, site, found, detail);
}

/** The primary address where the site wants it, as Exchange's categoriser does (hybrid mail flow, resolution step 3). */
function canonical({ compiled, address }: Walk, site: Site, found: Found, detail: string): Address {
  const { entry, key } = found.person;
  const primary = entry?.primary;
  // A routing address means nothing at another site, so that one is always replaced; a target elsewhere is meant.
  const wanted = (site.canonical && found.by !== 'target') || compiled.routingDomains.has(address.domain);
  if (primary === undefined || compiled.domain(primary.domain) === undefined) return address;
  if (wanted) return addressKey(primary) === key ? address : withDetail(primary, detail);
  if (found.by !== 'detail' || site.detail === 'keep') return address;
  return withoutDetailOf(address, entry?.addresses ?? []);
}

/**
 * `+lists` of `ada+lists`, with its separator, whichever that is in the directory: what follows the first name that
 * ends at a separator. Aliases with a separator in them, `ada+news`, are no names of `ada+newsletter`.
 */
function detailOf(address: Address, addresses: readonly Address[]): string {
  const local = address.local.toLowerCase();
  const bases = addresses
    .filter((one) => one.domain === address.domain && local.startsWith(one.local.toLowerCase()))
    .map((one) => one.local.length)
    .filter((length) => /^[^\p{L}\p{N}]/u.test(local.slice(length)));
  return bases.length === 0 ? '' : address.local.slice(Math.min(...bases));
}

function withoutDetailOf(address: Address, addresses: readonly Address[]): Address {
  const { length } = detailOf(address, addresses);
  if (length === 0) return address;
  return makeAddress(address.local.slice(0, -length), address.domain);
}

/** Without the detail where the local part would grow over 64 octets (RFC 5321 §4.5.3.1.1). */
function withDetail(address: Address, detail: string): Address {
  if (detail === '' || Buffer.byteLength(address.local + detail) > 64) return address;
  return makeAddress(address.local + detail, address.domain);
}

function withExtras(walk: Walk, scene: Scene, main: Copy, found: Found): Step {
  const copies = withAdditional(walk, scene, [main], found);
  return Array.isArray(copies) ? { verdict: 'deliver', copies } : copies;
}

/** `own` and the additional copies and journals that rules ask for; or what keeps a journal from being had. */
export function withAdditional(
  walk: Walk,
  scene: Scene,
  own: readonly Copy[],
  found: Found,
): Copy[] | Verdict | Ask {
  const copies = [...own];
  for (const { site: name } of effectsOf(walk, 'deliverAlso')) {
    const copy = dualCopy(walk, name, copies, found);
    if (copy !== undefined) copies.push(copy);
  }
  for (const journal of effectsOf(walk, 'journalTo')) {
    if (walk.visited.has(addressKey(journal.address))) continue;
    const hop = journalHop(walk, scene, journal);
    if (typeof hop === 'string') return hold(walk, hop, hop);
    if ('verdict' in hop) return hop;
    const site = hop.kind === 'site' ? walk.compiled.sites.get(hop.site) : undefined;
    // It is for another recipient than the message: it may go where that came from, but not round and round.
    const loop = site === undefined ? undefined : loopThrough({ ...walk, changed: true }, site);
    if (loop !== undefined) {
      const why = `journal ${journal.address.text}: ${loop}`;
      return hold(walk, why, why);
    }
    copies.push(copyTo(walk, hop, journal.address, 'journal'));
  }
  return copies;
}

function dualCopy(walk: Walk, name: string, copies: readonly Copy[], found: Found): Copy | undefined {
  const site = walk.compiled.sites.get(name);
  if (copies.some(({ nextHop }) => nextHop.kind === 'site' && nextHop.site === name)) return undefined;
  const recipient = site === undefined ? undefined : recipientAt(walk, site, found, false);
  const trouble =
    site === undefined
      ? 'there is no such site'
      : (loopThrough(walk, site) ??
        (recipient === undefined ? 'no address in its routing domain' : undefined));
  if (trouble !== undefined || recipient === undefined) {
    walk.because.push(`no additional copy to ${name}: ${trouble}`);
    return undefined;
  }
  return copyTo(walk, { kind: 'site', site: name }, recipient, 'dual');
}

/** Where a journal lives; as text, why it cannot be said: then the message is held, not sent without a record. */
function journalHop(walk: Walk, scene: Scene, { address, site }: Of<'journalTo'>): NextHop | Ask | string {
  const { compiled, facts } = walk;
  if (site !== undefined) {
    return compiled.sites.has(site) ? { kind: 'site', site } : `journal ${address.text}: no site ${site}`;
  }
  const domain = compiled.domain(address.domain);
  const routed = compiled.routingDomains.get(address.domain);
  if (domain === undefined) {
    return routed === undefined ? { kind: 'mx', domain: address.domain } : { kind: 'site', site: routed };
  }
  const key = addressKey(address);
  const lookup = facts.lookups.get(key);
  if (lookup === undefined) return ask([address]);
  const home = journalHome(lookup, { address, key }, scene, compiled);
  if (home !== undefined) {
    return compiled.sites.has(home)
      ? { kind: 'site', site: home }
      : `journal ${address.text}: no site ${home}`;
  }
  const target = lookup.found === 'one' ? lookup.entry.targetAddress : undefined;
  if (target !== undefined && compiled.domain(target.domain) === undefined) {
    return { kind: 'mx', domain: target.domain };
  }
  if (domain.site !== undefined) return { kind: 'site', site: domain.site };
  if (domain.type === 'externalRelay') return { kind: 'mx', domain: address.domain };
  return `journal ${address.text}: nobody has this address`;
}

function journalHome(lookup: Lookup, to: Person, scene: Scene, compiled: Compiled): string | undefined {
  if (lookup.found !== 'one') return undefined;
  return homeOf(personOf(to.address, lookup), scene, compiled)?.site;
}

export function foundBy(address: Address, lookup: Lookup | undefined): Found {
  const person = personOf(address, lookup);
  return lookup?.found === 'one' ? { person, by: lookup.by } : { person };
}

export function personOf(address: Address, lookup: Lookup | undefined): Person {
  const key = addressKey(address);
  if (lookup?.found !== 'one') return { address, key };
  const { by, entry, groups, override } = lookup;
  return {
    address,
    key,
    entry,
    ownKeys: keysOf(entry),
    ...(by === 'detail' ? { plainKey: addressKey(withoutDetailOf(address, entry.addresses)) } : {}),
    ...(groups === undefined ? {} : { groups }),
    ...(override === undefined ? {} : { override }),
  };
}

/** Made once, and only where a rule asks. */
function keysOf({ addresses }: DirectoryEntry): () => ReadonlySet<string> {
  let keys: ReadonlySet<string> | undefined;
  return () => {
    keys ??= new Set(addresses.map(addressKey));
    return keys;
  };
}
