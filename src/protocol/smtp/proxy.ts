/**
 * protocol/smtp/proxy - the PROXY protocol header, versions 1 and 2 (haproxy, doc/proxy-protocol.txt): a load
 * balancer says, before anything else, who is at the other end.
 *
 * Nothing in it is authenticated: whoever reads it must trust the network it came from.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';

export interface ProxyEndpoint {
  readonly ip: string;
  readonly port: number;
}

export type ProxyHeader =
  /** The connection is the balancer's own (health check), or of a kind we do not know: use the socket's addresses. */
  | { readonly kind: 'local' }
  | { readonly kind: 'proxied'; readonly source: ProxyEndpoint; readonly destination: ProxyEndpoint };

export type ProxyResult =
  | { readonly state: 'incomplete' }
  | { readonly state: 'malformed'; readonly why: string }
  | { readonly state: 'complete'; readonly used: number; readonly header: ProxyHeader };

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
/** `PROXY `. */
const word = Buffer.of(0x50, 0x52, 0x4f, 0x58, 0x59, 0x20);
/** §2.1: a version 1 line has 107 octets at most, CRLF counted. */
const longestLine = 107;
/** Version 2 may carry TLVs; more than this is nobody's honest header. */
const longestBlock = 4096;

const malformed = (why: string): ProxyResult => ({ state: 'malformed', why });

export function parseProxyHeader(octets: Buffer): ProxyResult {
  if (startsLike(octets, word)) return parseLine(octets);
  if (startsLike(octets, signature)) return parseBlock(octets);
  return malformed('neither PROXY nor the version 2 signature');
}

function startsLike(octets: Buffer, start: Buffer): boolean {
  const length = Math.min(octets.length, start.length);
  return octets.subarray(0, length).equals(start.subarray(0, length));
}

function parseLine(octets: Buffer): ProxyResult {
  const end = octets.subarray(0, longestLine).indexOf('\r\n');
  if (end < 0) return octets.length < longestLine ? { state: 'incomplete' } : malformed('line too long');
  const used = end + 2;
  const words = octets.toString('latin1', 0, end).split(' ');
  const [, family, sourceIp = '', destinationIp = '', sourcePort = '', destinationPort = ''] = words;
  if (family === 'UNKNOWN') return { state: 'complete', used, header: { kind: 'local' } };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : undefined;
  if (version === undefined || words.length !== 6) return malformed('not TCP4, TCP6 or UNKNOWN');
  if (isIP(sourceIp) !== version || isIP(destinationIp) !== version) return malformed('bad address');
  const source = endpoint(sourceIp, sourcePort);
  const destination = endpoint(destinationIp, destinationPort);
  if (source === undefined || destination === undefined) return malformed('bad port');
  return { state: 'complete', used, header: { kind: 'proxied', source, destination } };
}

function endpoint(ip: string, portText: string): ProxyEndpoint | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(portText) ? Number(portText) : Number.NaN;
  return port <= 65535 ? { ip: plainIp(ip), port } : undefined;
}

/** §2.2: signature, version and command, family, length, addresses, TLVs (passed over). */
function parseBlock(octets: Buffer): ProxyResult {
  if (octets.length < 16) return { state: 'incomplete' };
  const versionAndCommand = octets.readUInt8(12);
  const family = octets.readUInt8(13);
  const length = octets.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) return malformed('not version 2');
  if (length > longestBlock) return malformed('block too long');
  const used = 16 + length;
  if (octets.length < used) return { state: 'incomplete' };
  const command = versionAndCommand & 0x0f;
  if (command > 1) return malformed('unknown command');
  const size = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if (command === 0 || size === 0) return { state: 'complete', used, header: { kind: 'local' } };
  if (length < size * 2 + 4) return malformed('block too short');
  const ports = 16 + size * 2;
  const source = { ip: ipOf(octets, 16, size), port: octets.readUInt16BE(ports) };
  const destination = { ip: ipOf(octets, 16 + size, size), port: octets.readUInt16BE(ports + 2) };
  return { state: 'complete', used, header: { kind: 'proxied', source, destination } };
}

function ipOf(octets: Buffer, at: number, size: number): string {
  if (size === 4) return octets.subarray(at, at + 4).join('.');
  const groups = Array.from({ length: 8 }, (_none, i) => octets.readUInt16BE(at + i * 2).toString(16));
  return plainIp(groups.join(':'));
}

/** In the form we compare and print: IPv4-mapped addresses as IPv4, IPv6 shortened in lower case (RFC 5952). */
export function plainIp(ip: string): string {
  if (isIPv4(ip)) return ip;
  if (!isIPv6(ip)) return ip;
  const short = new URL(`http://[${ip.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const high = Number.parseInt(mapped[1] ?? '0', 16);
  const low = Number.parseInt(mapped[2] ?? '0', 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
