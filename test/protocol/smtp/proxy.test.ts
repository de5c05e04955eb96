import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProxyHeader, plainIp } from '../../../src/protocol/smtp/proxy.ts';

/** A version 2 header; `command` 1 is PROXY, 0 is LOCAL. */
function block(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex');
  head.writeUInt8(0x20 | command, 12);
  head.writeUInt8(family, 13);
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
}

const v4 = Buffer.from('c0000207cb00710930390019', 'hex');
const v6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'),
  Buffer.from('30390019', 'hex'),
]);

const proxied = (ip: string, port: number, to: string, toPort: number) => ({
  kind: 'proxied',
  source: { ip, port },
  destination: { ip: to, port: toPort },
});

describe('a PROXY header', () => {
  test.each([
    [
      'version 1, IPv4',
      Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.9 12345 25\r\n'),
      proxied('192.0.2.7', 12345, '203.0.113.9', 25),
    ],
    [
      'version 1, IPv6',
      Buffer.from('PROXY TCP6 2001:DB8::1 2001:db8::2 12345 25\r\n'),
      proxied('2001:db8::1', 12345, '2001:db8::2', 25),
    ],
    ['version 1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), { kind: 'local' }],
    ['version 2, IPv4', block(1, 0x11, v4), proxied('192.0.2.7', 12345, '203.0.113.9', 25)],
    ['version 2, IPv6', block(1, 0x21, v6), proxied('2001:db8::1', 12345, '2001:db8::2', 25)],
    [
      'version 2 with TLVs',
      block(1, 0x11, Buffer.concat([v4, Buffer.from('0400021234', 'hex')])),
      proxied('192.0.2.7', 12345, '203.0.113.9', 25),
    ],
    ['version 2, local', block(0, 0, Buffer.alloc(0)), { kind: 'local' }],
  ])('of %s is read, whatever follows', (_what, header, expected) => {
    const result = parseProxyHeader(Buffer.concat([header, Buffer.from('EHLO me\r\n')]));
    expect(result).toEqual({ state: 'complete', used: header.length, header: expected });
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(header.subarray(0, length)).state).toBe('incomplete');
    }
  });

  test.each([
    ['something else', Buffer.from('EHLO me\r\n')],
    ['a name for an address', Buffer.from('PROXY TCP4 localhost 203.0.113.9 1 25\r\n')],
    ['the wrong family', Buffer.from('PROXY TCP4 2001:db8::1 203.0.113.9 1 25\r\n')],
    ['a port too big', Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.9 65536 25\r\n')],
    ['a word too many', Buffer.from('PROXY TCP4 192.0.2.7 203.0.113.9 1 25 x\r\n')],
    ['a line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(120)}`)],
    ['version 3', Buffer.from('0d0a0d0a000d0a515549540a31110000', 'hex')],
    ['a block too short', block(1, 0x11, v4.subarray(1))],
    ['a block too long', block(1, 0x11, Buffer.alloc(5000))],
    ['an unknown command', block(2, 0x11, v4)],
  ])('%s is none', (_what, header) => {
    expect(parseProxyHeader(header).state).toBe('malformed');
  });

  test('any octets are answered for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (octets, signed) => {
        const header = signed
          ? Buffer.concat([block(1, 0x11, v4).subarray(0, 13), octets])
          : Buffer.from(octets);
        expect(['complete', 'incomplete', 'malformed']).toContain(parseProxyHeader(header).state);
      }),
      { seed: 8 },
    );
  });
});

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['192.0.2.1', '192.0.2.1'],
])('%s is %s', (ip, plain) => {
  expect(plainIp(ip)).toBe(plain);
});
