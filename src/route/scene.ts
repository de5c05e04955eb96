/**
 * route/scene - what is known of one recipient of one message before any rule is asked: whose domain it is, who the
 * two people are, from which direction it comes, and where the recipient's home is.
 */
import { addressKey } from '../mail/address.ts';
import type { Client } from '../mail/envelope.ts';
import type { AcceptedDomain, Compiled } from './compile.ts';
import type { Person, Scene } from './condition.ts';
import { personOf } from './copies.ts';
import { type Home, homeOf } from './home.ts';
import type { Direction } from './spec.ts';
import type { Walk } from './walk.ts';

/** What a domain is to us. */
export interface Place {
  readonly domain: AcceptedDomain | undefined;
  /** The site whose routing domain it is. */
  readonly routed: string | undefined;
  /** One of both. */
  readonly ours: boolean;
}

export function placeOf(name: string, compiled: Compiled): Place {
  const domain = compiled.domain(name);
  const routed = compiled.routingDomains.get(name);
  return { domain, routed, ours: domain !== undefined || routed !== undefined };
}

export function mayRelay(client: Client, compiled: Compiled): boolean {
  if (client.mayRelay || client.account !== undefined || client.protocol === 'local') return true;
  return client.site !== undefined && compiled.sites.get(client.site)?.relay === true;
}

export function setScene(
  walk: Walk,
  recipient: Person,
  ours: boolean,
): { readonly scene: Scene; readonly home: Home | undefined } {
  const { question, compiled } = walk;
  const bare: Scene = {
    recipient,
    sender: senderOf(walk),
    client: question.client,
    direction: directionOf(walk, ours),
    home: undefined,
    size: question.size,
    headers: question.headers,
  };
  const home = ours ? homeOf(recipient, bare, compiled) : undefined;
  return { scene: { ...bare, home: home?.site }, home };
}

function senderOf({ question: { sender }, facts, compiled }: Walk): Person | undefined {
  if (sender === null) return undefined;
  return personOf(sender, compiled.needsSender ? facts.lookups.get(addressKey(sender)) : undefined);
}

/** A site may pass on strangers' mail: from there it is ours only by its sender's domain. */
function directionOf({ question, compiled }: Walk, ours: boolean): Direction {
  if (!ours) return 'outbound';
  const { client, sender } = question;
  if (client.account !== undefined || client.protocol === 'local') return 'internal';
  const near = client.site !== undefined || client.mayRelay;
  return near && sender !== null && compiled.domain(sender.domain) !== undefined ? 'internal' : 'inbound';
}
