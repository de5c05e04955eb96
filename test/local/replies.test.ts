/**
 * Any recipients, any scripts, any trouble: a reply for each recipient, and a positive one only where his mail is.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openAtOnce } from '../../src/local/at-once.ts';
import { openLocal } from '../../src/local/deliver-here.ts';
import { MailError } from '../../src/mail/condition.ts';
import type { Decision } from '../../src/mail/route.ts';
import { DirectoryUnready } from '../../src/ports/directory.ts';
import type { LocalIncoming } from '../../src/ports/local-delivery.ts';
import { MailboxGone, OverQuota, StoreAway, StoreFull } from '../../src/ports/messages.ts';
import { FakeSpool } from '../receive/fakes.ts';
import { address, mail, World } from './fakes.ts';

const never = new AbortController().signal;
const names = ['ada', 'bob', 'carol', 'dora', 'emil'] as const;
const scripts: Readonly<Record<(typeof names)[number], string | undefined>> = {
  ada: undefined,
  bob: 'require ["fileinto", "mailbox"]; fileinto :create "New"; keep;',
  carol: 'redirect "carol@elsewhere.test";',
  dora: 'require "ereject"; ereject "no";',
  emil: 'discard;',
};

function company(): World {
  const world = new World();
  for (const name of names) {
    const account = world.account(`${name}@example.org`);
    const script = scripts[name];
    if (script !== undefined) world.script(account, script);
  }
  return world;
}

const decisionOf = (text: string): Decision => {
  const because = ['test'];
  if (text.startsWith('held')) return { verdict: 'hold', reason: 'test', because };
  const site = text.startsWith('cloud') ? 'cloud' : 'local';
  const copy = {
    recipient: address(text),
    nextHop: { kind: 'site', site } as const,
    addHeaders: [],
    removeHeaders: [],
    purpose: 'delivery' as const,
  };
  return { verdict: 'deliver', copies: [copy], because };
};

const incoming = (recipients: readonly string[]): LocalIncoming => ({
  id: 'Q1',
  envelope: {
    sender: address('eve@example.net'),
    body: '7bit',
    smtputf8: false,
    requireTls: false,
    recipients: recipients.map((one) => ({ address: address(one) })),
  },
  client: { listener: 'lmtp', protocol: 'lmtp', ip: '127.0.0.1', mayRelay: false },
  receivedAt: new Date(0),
  trace: Buffer.from('Received: by us id Q1\r\n'),
  content: (async function* () {
    yield Buffer.from(mail('Subject: x', '', 'Hello.'));
  })(),
  finish: async () => ({
    facts: {
      size: 100,
      eightBit: false,
      utf8Header: false,
      longestLine: 70,
      hops: 0,
      ownHops: 0,
      sitesSeen: [],
    },
    decisions: recipients.map(decisionOf),
  }),
});

const steps = [
  'lookup',
  'account',
  'active',
  'get',
  'create',
  'append',
  'accept',
  'has',
  'remember',
  'list',
] as const;
const faults = [
  new StoreAway(),
  new StoreFull(),
  new OverQuota(),
  new MailboxGone(),
  new DirectoryUnready(),
  new MailError('later', 'systemFull'),
  new Error('a bug'),
];

const isIn = (world: World, name: string, folder: string): boolean =>
  world.contents(folder, names.indexOf(name as 'ada') + 1).length > 0;

/** The promise behind a positive reply. */
function isKept(world: World, spool: FakeSpool, recipient: string): boolean {
  const name = recipient.slice(0, recipient.indexOf('@'));
  const queued = spool.kept.some(({ envelope }) =>
    envelope.recipients.some((one) => one.address.text === recipient),
  );
  if (name === 'cloud' || name === 'held') return queued;
  if (name === 'emil') return true;
  if (name === 'carol')
    return (
      isIn(world, name, 'INBOX') ||
      spool.kept.some(({ envelope }) => envelope.recipients[0]?.address.text === 'carol@elsewhere.test')
    );
  return isIn(world, name, 'INBOX') || isIn(world, name, 'New');
}

test('a reply for each, and a positive one is true', async () => {
  const recipient = fc.constantFrom(...names, 'nobody', 'cloud', 'held').map((name) => `${name}@example.org`);
  const trouble = fc.uniqueArray(fc.tuple(fc.constantFrom(...steps), fc.constantFrom(...faults)), {
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(recipient, { minLength: 1 }),
      trouble,
      fc.boolean(),
      async (recipients, troubles, spoolFull) => {
        const world = company();
        const spool = new FakeSpool();
        if (spoolFull) spool.trouble = new MailError('later', 'systemFull');
        for (const [step, error] of troubles) world.trouble.set(step, error);
        const options = { ...world.options(), spool };
        const local = openAtOnce({
          ...options,
          local: openLocal(options),
          isHere: (hop) => hop.kind === 'site' && hop.site === 'local',
        });
        const replies = await local.accept(incoming(recipients), never);
        expect(replies).toHaveLength(recipients.length);
        recipients.forEach((one, at) => {
          const code = replies[at]?.code ?? 0;
          if (code < 300) expect(isKept(world, spool, one), `${one} with ${code}`).toBe(true);
          // Never for good, but for who is unknown or says no.
          if (code >= 500) expect(['nobody@example.org', 'dora@example.org']).toContain(one);
          if (troubles.length === 0 && !spoolFull)
            expect(code).toBe(['nobody@example.org', 'dora@example.org'].includes(one) ? 550 : 250);
        });
      },
    ),
    { numRuns: 150, seed: 11 },
  );
});
