/**
 * local/world - what a script may ask about the account, its mailboxes and the message (sieve/environment), from the
 * ports of the store.
 */
import { parseAddress } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import { type Environment, emptyWorld } from '../sieve/environment.ts';
import type { Folders } from './folders.ts';
import type { InHand } from './in-hand.ts';
import { duplicateKey, firstKey } from './keys.ts';
import type { LocalOptions } from './options.ts';
import type { Owner } from './whose.ts';

export function worldOf(
  message: InHand,
  recipient: Recipient,
  owner: Owner,
  folders: Folders,
  options: LocalOptions,
  signal: AbortSignal,
): Environment {
  const policy = options.policy();
  const now = options.now();
  const account = owner.account.id;
  return {
    ...emptyWorld,
    message: {
      size: message.size,
      header: message.headerOctets,
      content: () => message.beginning(signal),
    },
    envelope: envelopeOf(message, recipient),
    now,
    mailboxes: {
      exists: async (name) => (await folders.named(name))?.selectable === true,
      existsById: async (id) => (await folders.byObjectId(id)) !== undefined,
      hasSpecialUse: async (use, name) => await folders.hasUse(use, name),
      metadata: (name, entry) => annotation(name, entry, owner, folders, options),
    },
    async isDuplicate(id) {
      const has = (key: string) => options.memory.has(account, key, now);
      if (!(await has(duplicateKey(id)))) return false;
      return !(await has(firstKey(id, message.queueId, recipient.address.text)));
    },
    items: new Map([
      // RFC 5183 §4.1
      ['domain', policy.hostname.split('.').slice(1).join('.')],
      ['host', policy.hostname],
      ['location', 'MDA'],
      ['name', 'Isthmus'],
      ['phase', 'during'],
    ]),
    detailSeparator: policy.detailSeparator,
  };
}

function envelopeOf({ transaction }: InHand, { address, notify, orcpt }: Recipient): Environment['envelope'] {
  const { sender, ret, envid } = transaction;
  const originalTo = originalOf(orcpt);
  return {
    from: sender?.text ?? '',
    to: address.text,
    ...(originalTo === undefined ? {} : { originalTo }),
    ...(notify === undefined ? {} : { notify: notify.join(',').toUpperCase() }),
    ...(orcpt === undefined ? {} : { orcpt }),
    ...(ret === undefined ? {} : { ret: ret.toUpperCase() }),
    ...(envid === undefined ? {} : { envid }),
  };
}

/** The address in `rfc822;ada@example.org`. */
export function originalOf(orcpt: string | undefined): string | undefined {
  const text = /^(?:rfc822|utf-8);(.+)$/i.exec(orcpt ?? '')?.[1];
  return text === undefined ? undefined : parseAddress(text)?.text;
}

async function annotation(
  name: string | undefined,
  entry: string,
  owner: Owner,
  folders: Folders,
  { annotations }: LocalOptions,
): Promise<string | undefined> {
  if (annotations === undefined) return undefined;
  const of = name === undefined ? ('server' as const) : (await folders.named(name))?.id;
  if (of === undefined) return undefined;
  return (await annotations.of(of, owner.account.id)).get(entry.toLowerCase());
}
