import { expect, test } from 'vitest';
import { parseResolvConf, parseServer } from '../../connectors/dns/resolv-conf.ts';

test.each([
  ['nameserver 192.0.2.53\nnameserver 2001:db8::53\n', ['192.0.2.53', '2001:db8::53']],
  ['# comment\n\tnameserver\t192.0.2.53 # mine\nsearch example.org\noptions edns0\n', ['192.0.2.53']],
  ['nameserver fe80::1%eth0\n', ['fe80::1%eth0']],
  ['nameserver one.example.org\n', ['127.0.0.1']],
  ['', ['127.0.0.1']],
  [
    'nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n',
    ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
  ],
])('resolv.conf %j names %j', (text, ips) => {
  expect(parseResolvConf(text).map(({ ip }) => ip)).toEqual(ips);
});

test.each([
  ['192.0.2.53', { ip: '192.0.2.53', port: 53 }],
  ['192.0.2.53:5353', { ip: '192.0.2.53', port: 5353 }],
  ['2001:db8::53', { ip: '2001:db8::53', port: 53 }],
  ['[2001:db8::53]:5353', { ip: '2001:db8::53', port: 5353 }],
  ['name.example.org', undefined],
  ['192.0.2.53:0', undefined],
  ['192.0.2.53:65536', undefined],
])('the server %s', (text, server) => {
  expect(parseServer(text)).toEqual(server);
});
