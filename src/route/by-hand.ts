/**
 * route/by-hand - a Question made of what an operator types: `isthmus route explain ADDRESS --from … --client-ip …`,
 * or a line of a file of expectations.
 */
import { isIP } from 'node:net';
import { type Address, parseAddress } from '../mail/address.ts';
import type { HeaderFields } from '../mail/content.ts';
import type { Client } from '../mail/envelope.ts';
import type { Question } from '../ports/routing.ts';
import type { Compiled } from './compile.ts';
import { SpecError } from './pattern.ts';

export interface ByHand {
  readonly to: string;
  /** Absent: a sender nobody knows. `<>` or empty: the null reverse-path. */
  readonly from?: string;
  readonly clientIp?: string;
  readonly listener?: string;
  readonly protocol?: Client['protocol'];
  readonly tls?: boolean;
  /** Names in a verified client certificate; means TLS. */
  readonly certificateNames?: readonly string[];
  /** The account that logged in. */
  readonly account?: string;
  /** As if recognised as this site. By IP and certificate when absent. */
  readonly site?: string;
  readonly mayRelay?: boolean;
  readonly size?: number;
  /** `Name: value`. Absent: as at RCPT, before the message is known. Empty: a message without any of them. */
  readonly headers?: readonly string[];
}

/** Documentation address of RFC 5737: somebody out on the Internet. */
const stranger = { ip: '192.0.2.1', sender: 'somebody@elsewhere.invalid' } as const;

/** Throws SpecError where a word is not understood. */
export function questionByHand(words: ByHand, compiled: Compiled): Question {
  const headers = words.headers === undefined ? undefined : headerFields(words.headers);
  return {
    recipient: recipientOf(words.to),
    sender: senderOf(words.from),
    client: clientOf(words, compiled),
    ...(words.size === undefined ? {} : { size: words.size }),
    ...(headers === undefined ? {} : { headers, size: words.size ?? 0, sitesSeen: [] }),
  };
}

function recipientOf(text: string): Address {
  if (text.toLowerCase() === 'postmaster') return { text, local: text, domain: '' };
  return addressOf(text);
}

function senderOf(text: string = stranger.sender): Address | null {
  return text === '' || text === '<>' ? null : addressOf(text);
}

function addressOf(text: string): Address {
  const address = parseAddress(text.replace(/^<(.*)>$/, '$1'));
  if (address === undefined) throw new SpecError(`expected a mail address, found "${text}"`);
  return address;
}

function clientOf(words: ByHand, compiled: Compiled): Client {
  const ip = words.clientIp ?? stranger.ip;
  if (isIP(ip) === 0) throw new SpecError(`expected an IP address, found "${ip}"`);
  const names = words.certificateNames ?? [];
  const site = words.site ?? compiled.recognise(ip, names);
  if (site !== undefined && !compiled.sites.has(site)) {
    throw new SpecError(`expected one of ${[...compiled.sites.keys()].join(', ')}, found "${site}"`);
  }
  const tls = words.tls === true || names.length > 0;
  return {
    listener: words.listener ?? 'explain',
    protocol: words.protocol ?? (words.account === undefined ? 'smtp' : 'submission'),
    ip,
    mayRelay: words.mayRelay ?? false,
    ...(tls ? { tls: { version: 'TLSv1.3', cipher: 'by hand', certificateNames: names } } : {}),
    ...(words.account === undefined ? {} : { account: words.account }),
    ...(site === undefined ? {} : { site }),
  };
}

function headerFields(lines: readonly string[]): HeaderFields {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value] = /^([\x21-\x39\x3b-\x7e]+):[ \t]*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new SpecError(`expected a header such as "X-Name: value", found "${line}"`);
    }
    const key = name.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  return fields;
}
