/**
 * POP3 as other people's clients know it: each fetches, fetches again and finds nothing, and takes the mail away.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Pop3Ground, servePop3 } from '../access/pop3/serve.ts';
import { openStorePlace, type StorePlace } from '../access/store-place.ts';
import { authorityFile } from '../fixture/tls.ts';
import { curl, type FetchClient, type Fetching, fetched, fetchmail, getmail, mpop } from './fetch-clients.ts';
import { describeWith } from './need.ts';

const messages = [
  'From: bob@example.org\r\nTo: ada@example.org\r\nSubject: one\r\nMessage-ID: <1@example.org>\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n',
  `From: bob@example.org\r\nTo: ada@example.org\r\nSubject: long\r\nMessage-ID: <2@example.org>\r\n\r\n${'line of text\r\n'.repeat(20_000)}`,
  'From: bob@example.org\r\nTo: ada@example.org\r\nSubject: gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: <3@example.org>\r\n\r\n\xc3\xa4\r\n',
];

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What serves and what is needed to fetch from it; ada has the messages, in memory or in the store. */
async function ground(options: Pop3Ground, uidls: readonly string[] = [], place?: StorePlace) {
  const served = await servePop3({
    ...options,
    ...(place && {
      place: {
        openAccount: place.openAccount,
        mailboxes: place.tree.mailboxes,
        reading: place.messages,
        writing: place.messages,
      },
    }),
  });
  const mail = place ?? served.store;
  for (const [at, one] of messages.entries())
    await mail.deliver('ada', Buffer.from(one, 'latin1'), uidls[at]);
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-pop3-'));
  folders.push(folder);
  const fetching: Fetching = {
    port: served.listener.port,
    implicit: options.tls === 'implicit',
    user: 'ada',
    password: 'secret',
    ca: await authorityFile(),
    folder,
    keep: true,
  };
  return { ...served, mail, fetching };
}

interface How {
  readonly tls: 'implicit' | 'required';
  readonly mechanism?: string;
  readonly place?: StorePlace;
}

async function wholeCycle(client: FetchClient, { tls, mechanism, place }: How) {
  const { mail, listener, fetching } = await ground({ tls }, [], place);
  const how = mechanism === undefined ? fetching : { ...fetching, mechanism };
  try {
    const first = await client.run(how);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(fetched(fetching.folder).sort()).toEqual([...messages].sort());
    const mark = client.looksOnly === true ? '' : ' \\Seen';
    expect(await mail.inbox('ada')).toEqual(['1', '2', '3'].map((uid) => uid + mark));

    await client.run(how);
    expect(fetched(fetching.folder)).toHaveLength(3);

    const fourth = messages[0]?.replace('one', 'four') ?? '';
    await mail.deliver('ada', fourth);
    const last = await client.run({ ...how, keep: false });
    expect(last, last.stderr).toMatchObject({ code: 0 });
    expect(fetched(fetching.folder).sort()).toEqual([...messages, fourth].sort());
    expect((await mail.inbox('ada')).filter((one) => one.startsWith('4'))).toEqual([]);
  } finally {
    await listener.close();
  }
}

await describeWith(['mpop', 'openssl'], 'mpop', () => {
  test('fetches by STLS, pipelined, and takes the mail away', () => wholeCycle(mpop, { tls: 'required' }));
  test('fetches within TLS', () => wholeCycle(mpop, { tls: 'implicit', mechanism: 'user' }));
  test('signs in by SCRAM-SHA-256', () => wholeCycle(mpop, { tls: 'required', mechanism: 'scram-sha-256' }));

  test('does all of it on the store that people have', async () => {
    const place = await openStorePlace('ada');
    try {
      await wholeCycle(mpop, { tls: 'implicit', place });
    } finally {
      await place.close();
    }
  }, 120_000);

  test('fetches nothing again from another server that took the unique ids over', async () => {
    const ids = ['000000011a2b3c4d', '000000021a2b3c4d', 'UID3-1400000000'];
    const old = await ground({ tls: 'implicit' }, ids);
    const young = await ground({ tls: 'implicit' }, ids);
    try {
      expect(await mpop.run(old.fetching)).toMatchObject({ code: 0 });
      const again = { ...young.fetching, folder: old.fetching.folder };
      expect(await mpop.run(again)).toMatchObject({ code: 0 });
      expect(fetched(old.fetching.folder)).toHaveLength(3);
    } finally {
      await old.listener.close();
      await young.listener.close();
    }
  });

  test('is told of a wrong password', async () => {
    const { listener, fetching } = await ground({ tls: 'implicit' });
    const ended = await mpop.run({ ...fetching, password: 'wrong' });
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain('authentication failed');
    await listener.close();
  });
});

await describeWith(['fetchmail', 'openssl'], 'fetchmail', () => {
  test('fetches by STLS and takes the mail away', () => wholeCycle(fetchmail, { tls: 'required' }));
  test('fetches within TLS', () => wholeCycle(fetchmail, { tls: 'implicit' }));
});

await describeWith(['getmail6', 'openssl'], 'getmail', () => {
  test('fetches within TLS and takes the mail away', () => wholeCycle(getmail, { tls: 'implicit' }));
});

await describeWith(['curl', 'openssl'], 'curl', () => {
  test('lists, fetches and looks at the top of messages', async () => {
    const { listener, fetching } = await ground({ tls: 'required' });
    const sizes = messages.map((one, at) => `${at + 1} ${one.length}\r\n`).join('');
    expect(await curl(fetching, '')).toMatchObject({ code: 0, stdout: sizes });
    expect(await curl(fetching, '1')).toMatchObject({ code: 0, stdout: messages[0] });
    expect(await curl(fetching, '', ['--request', 'UIDL'])).toMatchObject({
      code: 0,
      stdout: [1, 2, 3].map((uid) => `${uid} 1700000000.${uid}\r\n`).join(''),
    });
    expect((await curl(fetching, '', ['--request', 'TOP 2 1'])).stdout).toMatch(/\r\n\r\nline of text\r\n$/);
    await listener.close();
  });

  test.each(['PLAIN', 'LOGIN'])('signs in by %s', async (mechanism) => {
    const { listener, fetching } = await ground({ tls: 'required' });
    const ended = await curl(fetching, '', ['--login-options', `AUTH=${mechanism}`]);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    await listener.close();
  });

  test('signs in by XOAUTH2, with an initial response', async () => {
    const { listener, fetching } = await ground({ tls: 'implicit' });
    const token = ['--oauth2-bearer', 'token-of-ada', '--sasl-ir'];
    const ended = await curl(fetching, '3', ['--login-options', 'AUTH=XOAUTH2', ...token]);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    await listener.close();
  });
});
