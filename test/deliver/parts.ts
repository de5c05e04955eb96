/** What the tests of this room have in common: an agent with short limits, tasks, names without DNS. */

import { makeSmtpAgent, type SmtpAgentParts } from '../../src/deliver/agent.ts';
import type { DeliveryOptions, Site } from '../../src/deliver/options.ts';
import type { Address } from '../../src/mail/address.ts';
import { parseAddress } from '../../src/mail/address.ts';
import type { Recipient, Transaction } from '../../src/mail/envelope.ts';
import type { NextHop } from '../../src/mail/route.ts';
import type { DeliveryAgent, DeliveryTask } from '../../src/ports/delivery-agent.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { DnsError, type Mx, type Resolver } from '../../src/ports/resolver.ts';

export const never = new AbortController().signal;

export const delivery: DeliveryOptions = {
  timeLimits: {
    connect: 5000,
    greeting: 5000,
    ehlo: 5000,
    tls: 5000,
    auth: 5000,
    mail: 5000,
    rcpt: 5000,
    dataStart: 5000,
    dataBlock: 5000,
    dataEnd: 5000,
    quit: 200,
    attempt: 20_000,
  },
  maxRecipients: 100,
  maxHosts: 5,
  maxConnections: 50,
  addresses: 'ipv4First',
  keep: { idle: 5000, messages: 100, age: 60_000 },
  avoidFor: 60_000,
  mx: { tls: 'opportunistic', port: 25, allowPrivate: true, requireTlsByPlainDns: false, ownNames: [] },
};

/** Names as a table: `mx` by domain, `host` by name. What is missing does not exist. */
export function names(table: {
  readonly mx?: Readonly<Record<string, readonly Mx[] | 'away'>>;
  readonly host?: Readonly<Record<string, readonly string[] | 'away'>>;
}): Resolver {
  const find = <T>(from: Readonly<Record<string, T | 'away'>> | undefined, name: string): T => {
    const found = from?.[name];
    if (found === 'away') throw new DnsError('away', `no answer for ${name}`);
    if (found === undefined) throw new DnsError('nxdomain', `${name} does not exist`);
    return found as T;
  };
  return {
    mx: async (domain) =>
      table.mx?.[domain] === undefined && table.host?.[domain] ? [] : find(table.mx, domain),
    addresses: async (host) => {
      const ips = find(table.host, host);
      return { v4: ips.filter((ip) => !ip.includes(':')), v6: ips.filter((ip) => ip.includes(':')) };
    },
    reverse: async () => [],
    txt: async () => [],
  };
}

export function agentFor(
  site: Partial<Site> & Pick<Site, 'nextHops'>,
  more: Partial<SmtpAgentParts> = {},
): DeliveryAgent {
  const sites = new Map([['peer', { tls: 'none', ...site } as Site]]);
  return makeSmtpAgent({
    resolver: names({}),
    sites: () => sites,
    hostname: 'isthmus.test',
    delivery,
    log: silentLog,
    metrics: noMetrics,
    now: () => new Date(),
    random: () => 0.5,
    ...more,
  });
}

/** A site of one peer on this machine. */
export const at = (port: number, more: Partial<Site> = {}): Partial<Site> & Pick<Site, 'nextHops'> => ({
  nextHops: [{ host: '127.0.0.1', port }],
  ...more,
});

export const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
};

export interface TaskWishes {
  readonly to?: readonly (string | Recipient)[];
  readonly content?: string | Buffer | readonly Buffer[];
  readonly transaction?: Partial<Transaction>;
  readonly nextHop?: NextHop;
  readonly eightBit?: boolean;
  readonly utf8Header?: boolean;
}

export const hello = 'Subject: hello\r\n\r\nHello.\r\n';

export function taskOf({
  to = ['ada@example.org'],
  content = hello,
  ...more
}: TaskWishes = {}): DeliveryTask {
  const chunks =
    typeof content === 'string' ? [Buffer.from(content)] : Buffer.isBuffer(content) ? [content] : content;
  return {
    queueId: 'Q1',
    transaction: {
      sender: address('sender@example.net'),
      body: '7bit',
      smtputf8: false,
      requireTls: false,
      ...more.transaction,
    },
    recipients: to.map((who) => (typeof who === 'string' ? { address: address(who) } : who)),
    nextHop: more.nextHop ?? { kind: 'site', site: 'peer' },
    size: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    eightBit: more.eightBit ?? false,
    utf8Header: more.utf8Header ?? false,
    content: async function* () {
      yield* chunks;
    },
  };
}

/** `delivered 250`, `later 450 …`: outcome and code of each recipient. */
export const brief = (
  statuses: readonly {
    readonly outcome: string;
    readonly reply: { readonly code: number; readonly enhanced?: string };
  }[],
): readonly string[] =>
  statuses.map(({ outcome, reply }) => [outcome, reply.code, reply.enhanced].filter(Boolean).join(' '));

/** Until it is true; fails after ten seconds. */
export async function soon(what: () => boolean): Promise<void> {
  for (let left = 2000; !what(); left -= 1) {
    if (left === 0) throw new Error(`not within ten seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
