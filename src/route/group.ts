/**
 * route/group - what becomes of mail for a group.
 *
 * A group is expanded by the spool, member by member, each of whom is resolved again. A moderated group is never
 * delivered past its moderators; what cannot be expanded here goes to a site that can, or is refused.
 */
import type { Address } from '../mail/address.ts';
import type { DirectoryEntry } from '../ports/directory.ts';
import type { Effect } from './compile.ts';
import type { Scene } from './condition.ts';
import { type Found, toSite, withAdditional } from './copies.ts';
import type { Home } from './home.ts';
import { type Ask, ask, defer, hold, refuse, type Step, type Walk } from './walk.ts';

/** Owners of which one is asked for, in order: the first with an address takes the reports. */
const ownersAsked = 4;

export function toGroup(walk: Walk, scene: Scene, found: Found, home: Home | undefined): Step {
  const { entry } = found.person;
  if (entry === undefined) throw new Error('toGroup: a group is an entry');
  const { question, compiled } = walk;
  const name = walk.address.text;
  if (question.expandedFrom?.includes(entry.id)) {
    // Exchange calls this loop harmless: every member has had the message by the first expansion.
    walk.because.push(`group ${name} was expanded already for this message`);
    return { verdict: 'deliver', copies: [] };
  }
  const { client } = question;
  // A site may pass on the mail of strangers: from there it is ours only by its sender (route/scene).
  const ofSite = client.site !== undefined && scene.direction === 'internal';
  const ours = client.account !== undefined || client.protocol === 'local' || ofSite;
  if (entry.group?.internalOnly === true && !ours) {
    const why = `group ${name} takes mail from authenticated senders only`;
    return refuse(walk, 'refused', why, 'This group takes mail from authenticated senders only');
  }
  if (entry.group?.moderated === true) return moderated(walk, name);
  if (entry.group === undefined || entry.group.opaque) {
    const site = home?.site ?? compiled.groups.opaqueSite;
    if (site === undefined) {
      return refuse(walk, 'groupTrouble', `the members of group ${name} cannot be read here`);
    }
    walk.because.push(`group ${name} cannot be expanded here: left to ${site}`);
    return toSite(walk, scene, site, found);
  }
  return expanded(walk, scene, found, entry);
}

function moderated(walk: Walk, name: string): Step {
  const why = `group ${name} is moderated: needs a moderator's approval`;
  const text = 'This group is moderated, and approval is not possible here';
  switch (walk.compiled.groups.moderated) {
    case 'hold':
      return hold(walk, why, why);
    case 'refuse':
      return refuse(walk, 'refused', why, text);
    case 'defer':
      return defer(walk, 'refused', why, text);
  }
}

function expanded(walk: Walk, scene: Scene, found: Found, entry: DirectoryEntry): Step {
  const reportTo = reportAddress(walk, entry);
  if (reportTo !== null && reportTo !== undefined && 'verdict' in reportTo) return reportTo;
  const copies = withAdditional(walk, scene, [], found);
  if (!Array.isArray(copies)) return copies;
  const lost = [...walk.effects].filter(([, effects]) => effects.some(isOfDelivery)).map(([rule]) => rule);
  if (lost.length > 0) {
    walk.because.push(
      `header fields and addresses of rules ${lost.join(', ')} are not carried over to members`,
    );
  }
  walk.because.push(`group ${walk.address.text} is expanded`);
  const address = entry.primary ?? walk.address;
  return {
    verdict: 'expand',
    group: { id: entry.id, address, ...(reportTo === undefined ? {} : { reportTo }) },
    ...(copies.length === 0 ? {} : { copies }),
  };
}

/** What is added to a delivery, of which a group has none of its own. */
const isOfDelivery = ({ effect }: Effect): boolean => effect === 'addHeader' || effect === 'rewrite';

/** undefined: the sender, null: nobody. A report's own failures are reported to nobody (RFC 5321 §4.5.5). */
function reportAddress(walk: Walk, entry: DirectoryEntry): Address | null | undefined | Ask {
  if (walk.question.sender === null || entry.group?.reportTo === 'nobody') return null;
  if (entry.group?.reportTo !== 'owner') return undefined;
  const owners = entry.group.owners.slice(0, ownersAsked);
  const missing = owners.filter((id) => !walk.facts.entries.has(id));
  if (missing.length > 0) return ask([], missing);
  const owner = owners.map((id) => walk.facts.entries.get(id)?.primary).find((one) => one !== undefined);
  walk.because.push(
    owner === undefined
      ? 'no owner of the group has an address: failures go to the sender'
      : `failures go to the owner ${owner.text}`,
  );
  return owner;
}
