/**
 * What no server here can be made to do: a page without entries that is not the last one, as Active Directory gives
 * when it has looked at many objects in vain. Holds the private member of ldapts that ldap/connection relies on.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { BerReader, BerWriter } from 'ldapts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import { ldapOptions, readAll } from './sample.ts';

const pagedResults = '1.2.840.113556.1.4.319';

interface Page {
  readonly uids: readonly string[];
  readonly cookie: string;
}

const pages: readonly Page[] = [
  { uids: ['a', 'b'], cookie: 'one' },
  { uids: [], cookie: 'two' },
  { uids: [], cookie: 'three' },
  { uids: ['c'], cookie: '' },
];

let server: Server;
const cookies: string[] = [];

beforeAll(async () => {
  server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => server.close());

/** One message a packet, which holds on loopback for messages this short. */
function serve(socket: Socket): void {
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    const reader = new BerReader(data);
    reader.readSequence();
    const id = reader.readInt()!;
    const operation = reader.peek();
    if (operation === 0x60) socket.write(answer(id, 0x61));
    else if (operation === 0x63) {
      const cookie = data.subarray(data.indexOf(pagedResults) + pagedResults.length).toString('latin1');
      const sent = /[a-z]*$/.exec(cookie)?.[0] ?? '';
      cookies.push(sent);
      const page = pages[sent === '' ? 0 : pages.findIndex((each) => each.cookie === sent) + 1]!;
      for (const uid of page.uids) socket.write(entry(id, uid));
      socket.write(answer(id, 0x65, page.cookie));
    } else socket.end();
  });
}

function entry(id: number, uid: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x64);
  writer.writeString(`uid=${uid},dc=x`);
  writer.startSequence();
  writer.startSequence();
  writer.writeString('mail');
  writer.startSequence(0x31);
  writer.writeString(`${uid}@example.org`);
  for (let open = 0; open < 5; open += 1) writer.endSequence();
  return writer.buffer;
}

/** Success, with the control where a cookie is given. */
function answer(id: number, operation: number, cookie?: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(operation);
  writer.writeEnumeration(0);
  writer.writeString('');
  writer.writeString('');
  writer.endSequence();
  if (cookie !== undefined) {
    const value = new BerWriter();
    value.startSequence();
    value.writeInt(0);
    value.writeString(cookie);
    value.endSequence();
    writer.startSequence(0xa0);
    writer.startSequence();
    writer.writeString(pagedResults);
    writer.writeBuffer(value.buffer, 0x04);
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  return writer.buffer;
}

test('an empty page with a cookie is not the end', async () => {
  const { port } = server.address() as { port: number };
  const source = new LdapSource(
    ldapOptions('openldap', '', {
      servers: [`ldap://127.0.0.1:${port}`],
      tls: { startTls: 'never', verify: true },
      bases: ['dc=x'],
    }),
    () => new Date(),
  );
  const { entries } = await readAll(source);
  expect(entries.map((each) => each.primary?.local)).toEqual(['a', 'b', 'c']);
  expect(cookies).toEqual(['', 'one', 'two', 'three']);
});
