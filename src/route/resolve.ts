/**
 * route/resolve - where one recipient's mail goes next, and why.
 *
 * Called at RCPT, so that a stranger is refused while the client still listens and no bounce is owed to anyone; called
 * again before each delivery attempt, because the person may have moved in between.
 *
 * The order is Exchange's: is the domain ours; the exact address; the primary one; a group's expansion; the home or an
 * override; a target elsewhere; the default of the domain. The operator's rules are asked as soon as it is known who
 * the recipient is, and before anything else is decided; a stranger in a domain we answer for is refused before them,
 * save those rules that ask for strangers. No rule opens a relay.
 *
 * Pure and total: the same question, facts and rules give the same answer; where a fact of the directory is missing,
 * the answer is an Ask for it. Hops are counted from Received fields (RFC 5321 §6.3) in receive, not here.
 */
import { type Address, addressKey } from '../mail/address.ts';
import { printReply } from '../mail/reply.ts';
import type { Decision } from '../mail/route.ts';
import type { Lookup } from '../ports/directory.ts';
import type { Question } from '../ports/routing.ts';
import type { Compiled, Final } from './compile.ts';
import type { Scene } from './condition.ts';
import { type Found, foundBy, toMx, toSite } from './copies.ts';
import { toGroup } from './group.ts';
import type { Home } from './home.ts';
import { mayRelay, type Place, placeOf, setScene } from './scene.ts';
import {
  type Ask,
  ask,
  beginWalk,
  defer,
  type Facts,
  hold,
  refuse,
  type Step,
  type Verdict,
  type Walk,
} from './walk.ts';

/** Addresses that lead on from one another before we call it a loop. */
const longestChain = 8;

export function resolve(question: Question, facts: Facts, compiled: Compiled): Decision | Ask {
  const walk = beginWalk(question, facts, compiled);
  for (let turn = 0; turn < longestChain; turn += 1) {
    const step = takeStep(walk);
    if (step.verdict === 'ask') return step;
    if (step.verdict !== 'again') return settle(walk, step);
    const key = addressKey(step.address);
    if (walk.visited.has(key)) break;
    walk.visited.add(key);
    walk.address = step.address;
    walk.changed = true;
  }
  return settle(
    walk,
    refuse(walk, 'loop', `loop: ${[...walk.visited].join(' leads to ')} and on in a circle`),
  );
}

/** At RCPT a refusal stands only if no rule that waits for the message could still decide otherwise. */
function settle(walk: Walk, verdict: Verdict): Decision {
  const { because, pending } = walk;
  if (pending.size > 0 && (verdict.verdict === 'refuse' || verdict.verdict === 'defer')) {
    because.push('not refused so far: the message may change this');
    return { verdict: 'deliver', copies: [], because };
  }
  return { ...verdict, because };
}

function takeStep(walk: Walk): Step {
  const { address, compiled, facts, question } = walk;
  if (address.domain === '') return barePostmaster(walk);
  const place = placeOf(address.domain, compiled);
  const { ours } = place;
  if (!ours && !walk.changed && !mayRelay(question.client, compiled)) {
    return refuse(walk, 'relayDenied', `${address.domain} is not ours, and the client may not relay`);
  }
  const missing = missingFacts(walk, ours);
  if (missing.length > 0) return ask(missing);

  const lookup = facts.lookups.get(addressKey(address));
  const found = foundBy(address, lookup);
  const { person } = found;
  if (ours && !walk.changed && isSourceRoute(address, found) && !mayRelay(question.client, compiled)) {
    const why = `${address.text} names a way on, nobody has it as it is, and the client may not relay`;
    return refuse(walk, 'relayDenied', why);
  }
  const { scene, home } = setScene(walk, person, ours);
  const postmaster = postmasterOf(walk, place, lookup);
  if (postmaster !== undefined) return postmaster;

  const ambiguous = ours && lookup?.found === 'ambiguous';
  const stranger = ours && !ambiguous && isStranger(walk, place, found, home);
  const decided = askRules(walk, scene, stranger || ambiguous);
  const step = decided === undefined ? undefined : byRule(walk, scene, decided, found);
  if (step !== undefined) return step;
  if (ambiguous) {
    return defer(walk, 'ambiguousMailbox', `directory: several entries claim ${address.text}`);
  }
  if (stranger) return refuse(walk, 'unknownMailbox', `nobody has ${address.text}`);
  return person.entry !== undefined && ours
    ? toEntry(walk, scene, found, home, place)
    : byDomain(walk, scene, found, place);
}

/**
 * `user%elsewhere@ours`, `elsewhere!user@ours`, `"user@elsewhere"@ours`: a site that trusts us may follow it, and so
 * relay for strangers (RFC 5321 §3.6.1 and Appendix F.2 leave such routes to whoever wants them).
 */
const isSourceRoute = ({ local }: Address, { by }: Found): boolean =>
  (by === undefined || by === 'detail') && /[%!@]/.test(local);

/** Postmaster of a domain of ours: past all rules that turn mail away, and to the configured address where the directory has none. */
function postmasterOf(walk: Walk, { domain }: Place, lookup: Lookup | undefined): Step | undefined {
  if (walk.address.local.toLowerCase() !== 'postmaster') return undefined;
  if (domain === undefined || domain.type === 'externalRelay') return undefined;
  walk.unrefusable = true;
  const { postmaster } = walk.compiled;
  if (lookup?.found !== 'nobody' || postmaster === undefined) return undefined;
  if (walk.visited.has(addressKey(postmaster))) return undefined;
  walk.because.push(`postmaster is ${postmaster.text}`);
  return { verdict: 'again', address: postmaster };
}

/** RFC 5321 §4.5.1: `postmaster` without a domain is taken as well. */
function barePostmaster(walk: Walk): Step {
  const { postmaster } = walk.compiled;
  if (walk.address.local.toLowerCase() !== 'postmaster' || postmaster === undefined) {
    return refuse(walk, 'unknownMailbox', `nobody has ${walk.address.text}`);
  }
  walk.unrefusable = true;
  walk.because.push(`postmaster is ${postmaster.text}`);
  return { verdict: 'again', address: postmaster };
}

function missingFacts({ address, question, facts, compiled }: Walk, ours: boolean) {
  const wanted = ours || compiled.needsRecipient ? [address] : [];
  if (compiled.needsSender && question.sender !== null) wanted.push(question.sender);
  return wanted.filter((one) => !facts.lookups.has(addressKey(one)));
}

function isStranger(walk: Walk, { domain, routed }: Place, found: Found, home: Home | undefined): boolean {
  const { client } = walk.question;
  if (found.person.entry !== undefined && (home !== undefined || found.by !== 'target')) return false;
  if (domain === undefined)
    return routed !== undefined && !walk.changed && !mayRelay(client, walk.compiled) && !client.site;
  if (domain.catchAll !== undefined && !walk.visited.has(addressKey(domain.catchAll))) return false;
  if (domain.type === 'authoritative') return true;
  // The other side, which was to know everybody else, has sent it to us: it exists nowhere.
  return domain.type === 'internalRelay' && domain.site === client.site && !walk.changed;
}

interface Decided {
  readonly rule: string;
  readonly final: Final;
}

/** The first rule that decides; what the others before it add is kept. */
function askRules(walk: Walk, scene: Scene, strangersOnly: boolean): Decided | undefined {
  for (const { name, test, strangers, final, effects } of walk.compiled.rules) {
    if (strangersOnly && !strangers) continue;
    if (walk.unrefusable && final !== undefined && turnsAway(final)) continue;
    const truth = test(scene);
    if (truth === false) continue;
    if (truth === undefined) {
      walk.because.push(`rule ${name}: cannot tell before the message is here`);
      const refuses = final?.action === 'reject' && final.reply.code >= 500;
      const rewrites = effects.some(({ effect }) => effect === 'rewrite');
      if ((final !== undefined && !refuses) || rewrites) walk.pending.add(name);
      continue;
    }
    if (effects.length > 0) {
      if (!walk.effects.has(name)) walk.because.push(`rule ${name}: ${effects.map(say).join(', ')}`);
      walk.effects.set(name, effects);
    }
    if (final !== undefined) return { rule: name, final };
  }
  return undefined;
}

/** RFC 5321 §4.5.1: mail for postmaster is taken, whatever else is not. */
const turnsAway = ({ action }: Final): boolean =>
  action === 'reject' || action === 'hold' || action === 'redirect';

function say(effect: { readonly effect: string; readonly site?: string }): string {
  return effect.site === undefined ? effect.effect : `${effect.effect} ${effect.site}`;
}

/** undefined: the rule leaves it to the home. */
function byRule(walk: Walk, scene: Scene, { rule, final }: Decided, found: Found): Step | undefined {
  switch (final.action) {
    case 'reject':
      walk.because.push(`rule ${rule}: rejects with ${printReply(final.reply)}`);
      return { verdict: final.reply.code >= 500 ? 'refuse' : 'defer', reply: final.reply };
    case 'hold':
      return hold(walk, final.reason, `rule ${rule}: holds, ${final.reason}`);
    case 'routeTo':
      walk.because.push(`rule ${rule}: routes to ${final.site}`);
      return toSite(walk, scene, final.site, found);
    case 'redirect':
      if (addressKey(final.address) === found.person.key) return undefined;
      walk.because.push(`rule ${rule}: redirects to ${final.address.text}`);
      return { verdict: 'again', address: final.address };
    case 'stop':
      walk.because.push(`rule ${rule}: no further rule`);
      return undefined;
  }
}

function toEntry(walk: Walk, scene: Scene, found: Found, home: Home | undefined, place: Place): Step {
  const { entry } = found.person;
  if (entry?.kind === 'group') return toGroup(walk, scene, found, home);
  if (entry?.disabled && walk.compiled.disabled === 'refuse') {
    return refuse(walk, 'mailboxDisabled', `directory: the account of ${walk.address.text} is disabled`);
  }
  if (home !== undefined) {
    walk.because.push(home.because);
    return toSite(walk, scene, home.site, found);
  }
  const target = entry?.targetAddress;
  if (target !== undefined && addressKey(target) !== found.person.key) {
    walk.because.push(`directory: mail of ${walk.address.text} goes to ${target.text}`);
    return { verdict: 'again', address: target };
  }
  if (place.domain?.site === undefined && place.domain?.type !== 'externalRelay') {
    const why = `directory: ${walk.address.text} is known, but neither it nor the configuration says where it is`;
    return defer(walk, 'noRoute', why);
  }
  return byDomain(walk, scene, found, place);
}

/** The default of the domain, for whom the directory does not know. */
function byDomain(walk: Walk, scene: Scene, found: Found, { domain, routed }: Place): Step {
  const { address } = walk;
  if (domain === undefined && routed === undefined) {
    walk.because.push(`${address.domain} is not ours: its mail exchangers`);
    return toMx(walk, scene, address.domain, found);
  }
  const { catchAll, site = routed, type } = domain ?? {};
  if (catchAll !== undefined && found.person.entry === undefined && !walk.visited.has(addressKey(catchAll))) {
    walk.because.push(`nobody has ${address.text}: catch-all ${catchAll.text}`);
    return { verdict: 'again', address: catchAll };
  }
  if (site !== undefined) {
    if (found.person.entry === undefined) walk.because.push(`the directory does not know ${address.text}`);
    walk.because.push(`${address.domain} is relayed to ${site}`);
    return toSite(walk, scene, site, found);
  }
  if (type === 'externalRelay') {
    walk.because.push(`${address.domain} is relayed to its mail exchangers`);
    return toMx(walk, scene, address.domain, found);
  }
  return defer(walk, 'noRoute', `nothing says where unknown recipients of ${address.domain} are`);
}
