/**
 * scenario/outage-ground - what outages have in common: a configuration, mail that flows, and how it must have ended.
 */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Gateway, type GatewayOptions, listener } from '../fixture/gateway.ts';
import type { Capture } from '../peers/capture.ts';
import { until } from '../peers/command.ts';
import type { Kill } from '../torture/ledger.ts';
import { account, type Mail, type MailOptions, type Place, startMail, tally } from './outage-mail.ts';
import type { SlowServer } from './outage-silence.ts';

export const ada = 'ada@example.org';
export const bob = 'bob@example.org';
const people = `address,kind,home
${ada},user,one
${bob},user,two
`;

/** How long the slow peer thinks about a message, milliseconds. */
export const slowness = 3_000;

export const large = 200_000;
/** Every fourth is too large for a row of the database. */
export const mixed = (number: number) => (number % 4 === 0 ? large : 3_000);

interface Parts {
  readonly folder: string;
  readonly port: number;
  readonly one: Capture;
  readonly two: Capture;
  readonly slow: SlowServer;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly sites?: Readonly<Record<string, unknown>>;
  readonly domains?: readonly object[];
}

export const config = (parts: Parts): GatewayOptions['config'] => ({
  listeners: [listener('mx', parts.port)],
  directory: {
    sources: [{ name: 'staff', kind: 'csv', file: join(parts.folder, 'staff.csv') }],
    refreshEvery: '1s',
  },
  domains: [
    { name: 'example.org', type: 'authoritative' },
    { name: 'slow.test', type: 'internalRelay', site: 'slow' },
    ...(parts.domains ?? []),
  ],
  sites: {
    one: { nextHops: [{ host: '127.0.0.1', port: parts.one.port }], tls: 'none' },
    two: { nextHops: [{ host: '127.0.0.1', port: parts.two.port }], tls: 'none' },
    slow: { nextHops: [{ host: '127.0.0.1', port: parts.slow.port }], tls: 'none' },
    ...parts.sites,
  },
  queue: { concurrency: { downFirst: '1s', downMax: '1s' }, retry: ['1s'] },
  shutdownGrace: '5s',
  ...parts.more,
});

export function staffFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-outage-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'staff.csv'), people);
  return folder;
}

export const metric = async (gateway: Gateway, name: string): Promise<number | undefined> => {
  const signal = AbortSignal.timeout(5_000);
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, { signal });
  const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
};

export const directoryRead = (gateway: Gateway) =>
  until(
    'the directory to be read',
    async () => (await metric(gateway, 'isthmus_directory_entries{source="staff"}').catch(() => 0)) === 2,
  );

/** Every promise is kept, once; a kill may explain a second copy. */
export async function balanced(
  gateway: Gateway,
  mails: readonly Mail[],
  places: readonly Place[],
  kills: readonly Kill[] = [],
): Promise<void> {
  const empty = async () => (await metric(gateway, 'isthmus_queue_messages').catch(() => undefined)) === 0;
  let books = account(mails, places, kills);
  const kept = async () => {
    books = account(mails, places, kills);
    return books.lost.length === 0 && (await empty());
  };
  await until('every promise to be kept and the queue to be empty', kept, 60_000, 100).catch(() => {});
  books = account(mails, places, kills);
  const story = `${mails.map(tally).join('\n')}\n${JSON.stringify(books, undefined, 1).slice(0, 3_000)}\n${gateway.tail()}`;
  process.stderr.write(
    `${expect.getState().currentTestName}: ${mails.map(tally).join(' / ')}; duplicates ${books.duplicates}, unpromised ${books.unpromised}\n`,
  );
  expect(await empty(), story).toBe(true);
  expect(books.promises, story).toBeGreaterThan(0);
  expect(books.lost, story).toEqual([]);
  expect(books.unexplained, story).toEqual([]);
  expect(books.strangers, story).toEqual([]);
}

/** Only these answers, besides 250. A connection that breaks is none. */
export function answeredOnly(mail: Mail, codes: readonly number[]): void {
  const others = mail.refused().filter(({ code }) => !codes.includes(code));
  expect(others.slice(0, 5), tally(mail)).toEqual([]);
}

export const refusals = (mail: Mail, count: number, within = 30_000) => {
  const from = Date.now();
  return until(`${count} refusals`, () => mail.refused(from).length >= count, within);
};
export const promises = (mail: Mail, count: number, within = 60_000) => {
  const from = Date.now();
  return until(`${count} promises`, () => mail.promised(from).length >= count, within);
};

const flowing: Mail[] = [];

/** For the end of each test: nothing flows on. */
export async function stopAll(): Promise<void> {
  await Promise.all(flowing.splice(0).map((mail) => mail.stop()));
}

export function flow(options: MailOptions): Mail {
  const mail = startMail(options);
  flowing.push(mail);
  return mail;
}
