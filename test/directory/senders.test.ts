import { expect, test } from 'vitest';
import { makeSenders } from '../../src/directory/senders.ts';
import { type Address, parseAddress } from '../../src/mail/address.ts';
import {
  type Directory,
  type DirectoryEntry,
  DirectoryUnready,
  type Lookup,
} from '../../src/ports/directory.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

const entry = (
  id: string,
  addresses: readonly string[],
  more: Partial<DirectoryEntry> = {},
): DirectoryEntry => ({
  id: `ad/${id}`,
  source: 'ad',
  where: `CN=${id},DC=example,DC=org`,
  kind: 'user',
  addresses: addresses.map(address),
  x500: [],
  hiddenFromAddressLists: false,
  disabled: false,
  attributes: {},
  ...more,
});

const ada = entry('Ada', ['ada@example.org', 'ada.lovelace@example.org']);
const leaver = entry('Leaver', ['leaver@example.org', 'left@example.org'], { disabled: true });
const byDn = entry('Info', ['info@example.org'], {
  attributes: { publicdelegates: ['cn=ada,dc=example,dc=org', 'CN=leaver,DC=example,DC=org'] },
});
const byAddress = entry('Sales', ['sales@example.org'], {
  attributes: { publicdelegates: ['SMTP:Ada@Example.org'] },
});
const byGroup = entry('Board', ['board@example.org'], {
  attributes: { publicdelegates: ['team@example.org'] },
});
const byOther = entry('Shop', ['shop@example.org'], { attributes: { maysend: ['ada@example.org'] } });
const moved = entry('Moved', ['moved@example.org'], { targetAddress: address('moved@cloud.example') });
const entries = [ada, leaver, byDn, byAddress, byGroup, byOther, moved];

function lookup(one: Address): Lookup {
  if (one.text === 'twice@example.org') return { found: 'ambiguous', entries: [ada, byDn] };
  const found = entries.find((each) => each.addresses.some(({ text }) => text === one.text));
  if (found === undefined) {
    const target = entries.find(({ targetAddress }) => targetAddress?.text === one.text);
    return target === undefined ? { found: 'nobody' } : { found: 'one', entry: target, by: 'target' };
  }
  const groups = new Set(found === ada ? ['team@example.org', 'ad/team'] : []);
  return { found: 'one', entry: found, by: 'exact', groups };
}

const directory = {
  lookup: async (addresses: readonly Address[]) => addresses.map(lookup),
} as unknown as Directory;

const senders = makeSenders(directory, () => ['publicDelegates']);
const signal = new AbortController().signal;

test.each([
  ['ada@example.org', 'ada@example.org', 'own'],
  ['ada@example.org', 'ada.lovelace@example.org', 'own'],
  ['ada@example.org', 'info@example.org', 'delegated'],
  ['ada@example.org', 'sales@example.org', 'delegated'],
  ['ada@example.org', 'board@example.org', 'delegated'],
  // An attribute that nobody named says nothing.
  ['ada@example.org', 'shop@example.org', undefined],
  ['ada@example.org', 'leaver@example.org', undefined],
  ['ada@example.org', 'nobody@example.org', undefined],
  ['info@example.org', 'ada@example.org', undefined],
  // A disabled account keeps its one name only, should it ever sign in.
  ['leaver@example.org', 'left@example.org', undefined],
  ['leaver@example.org', 'info@example.org', undefined],
  // The mailbox elsewhere is not an address here.
  ['moved@example.org', 'moved@cloud.example', undefined],
  ['no address', 'ada@example.org', undefined],
  // An account that no directory knows has its own name.
  ['printer@example.org', 'printer@example.org', 'own'],
] as const)('%s sends as %s: %s', async (account, sender, expected) => {
  expect(await senders.mayUse(account, address(sender), signal)).toBe(expected);
});

test('an address that two entries claim, and a directory that is not ready, are told later', async () => {
  const unready = {
    lookup: () => Promise.reject(new DirectoryUnready('no snapshot')),
  } as unknown as Directory;
  await expect(senders.mayUse('ada@example.org', address('twice@example.org'), signal)).rejects.toMatchObject(
    {
      verdict: 'later',
    },
  );
  await expect(
    makeSenders(unready, () => []).mayUse('ada@example.org', address('info@example.org'), signal),
  ).rejects.toMatchObject({ verdict: 'later', condition: 'directoryTrouble' });
});
