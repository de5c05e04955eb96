/** A server that means no good: it may keep the directory from being read, and nothing else. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { BerReader } from 'ldapts';
import { afterEach, expect, test } from 'vitest';
import { MessageFrames } from '../../connectors/ldap/frames.ts';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import { certificate } from '../fixture/tls.ts';
import { ldapOptions, readAll } from './sample.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const tlv = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const value = Buffer.concat(parts);
  const length = Buffer.alloc(5);
  length[0] = 0x84;
  length.writeUInt32BE(value.length, 1);
  return Buffer.concat([Buffer.of(tag), length, value]);
};
const text = (value: string, tag = 0x04): Buffer => tlv(tag, Buffer.from(value));
const message = (id: number, ...parts: readonly Buffer[]): Buffer =>
  tlv(0x30, Buffer.of(2, 2, id >> 8, id & 255), ...parts);
const result = (tag: number): Buffer => tlv(tag, Buffer.of(10, 1, 0, 4, 0, 4, 0));
const entry = (dn: string, attribute?: string): Buffer =>
  tlv(
    0x64,
    text(dn),
    tlv(0x30, ...(attribute === undefined ? [] : [tlv(0x30, text(attribute), tlv(0x31, text('cn=x')))])),
  );
/** RFC 2696. */
const cookie = (value: string): Buffer =>
  tlv(0xa0, tlv(0x30, text('1.2.840.113556.1.4.319'), tlv(0x04, tlv(0x30, Buffer.of(2, 1, 0), text(value)))));

type Answer = (socket: Socket, id: number) => void;

/** Lets everybody in, and then does as it is told. */
function serve(socket: Socket, search: Answer): void {
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    const reader = new BerReader(data);
    reader.readSequence();
    const id = reader.readInt() ?? 0;
    if (reader.peek() === 0x60) socket.write(message(id, result(0x61)));
    else search(socket, id);
  });
}

async function reading(search: Answer, startTls: 'require' | 'never' = 'never') {
  const server = createServer((socket) => serve(socket, search));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const source = new LdapSource(
    ldapOptions('openldap', '', {
      servers: [`ldap://127.0.0.1:${port}`],
      tls: { startTls, verify: false },
      bases: ['dc=x'],
    }),
    () => new Date(),
  );
  return readAll(source);
}

test('more small messages than were asked for end the read, not the process', async () => {
  const read = reading((socket, id) => {
    socket.write(Buffer.concat(Array.from({ length: 60_000 }, () => message(id, entry('')))));
  });
  await expect(read).rejects.toThrow('more than was asked for in one page');
});

test('a message that is said to be huge is not waited for', async () => {
  const head = Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff);
  await expect(reading((socket) => socket.write(head))).rejects.toThrow('a message of 2147483647 octets');
});

test('pages without entries and without end', async () => {
  const read = reading((socket, id) => socket.write(message(id, result(0x65), cookie('more'))));
  await expect(read).rejects.toThrow('page after page and no end');
});

test('values in parts that lead nowhere', async () => {
  const read = reading((socket, id) => {
    socket.write(Buffer.concat([message(id, entry('cn=g', 'member;range=0-4')), message(id, result(0x65))]));
  });
  await expect(read).rejects.toThrow('the values of member have no end');
});

test('what is put behind the answer to STARTTLS in the clear is not taken for what comes within TLS', async () => {
  const made = await certificate(['ldap.example.org']);
  const [cert, key] = [await readFile(made.cert), await readFile(made.key)];
  const read = reading((socket, id) => {
    socket.removeAllListeners('data');
    socket.write(Buffer.concat([message(id, result(0x78)), Buffer.of(0x30)]));
    const secure = new TLSSocket(socket, { isServer: true, cert, key });
    serve(secure, (_, next) => secure.write(message(next, result(0x65))));
  }, 'require');
  await expect(read).rejects.toThrow('in the clear behind the answer to STARTTLS');
});

test('messages come out whole and in order, however their octets arrive', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (values, cuts, long) => {
        const sent = values.map((value) =>
          long || value.length > 127
            ? tlv(0x30, Buffer.from(value))
            : Buffer.from([0x30, value.length, ...value]),
        );
        const all = Buffer.concat(sent);
        const frames = new MessageFrames();
        const got: Buffer[] = [];
        for (let at = 0, turn = 0; at < all.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          got.push(...frames.push(all.subarray(at, at + size)));
          at += size;
        }
        expect(got.map((one) => one.toString('hex'))).toEqual(sent.map((one) => one.toString('hex')));
        expect(frames.isEmpty).toBe(true);
      },
    ),
    { seed: 20261125 },
  );
});
