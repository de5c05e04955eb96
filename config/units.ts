/**
 * config/units - the kinds of value that settings are made of: how they are written, what they become, and what is
 * said when they are written wrong.
 *
 * For authors of sections:
 * - A default is given in source notation with `.prefault()`, since `.default()` would ask for the parsed value:
 *   `duration.prefault('5m').describe('…')`, `size.prefault('50MB').describe('…')`. Where a value is not transformed
 *   (string, number, boolean, enum, array) `.default()` is right.
 * - A nested object whose keys all have defaults ends in `.prefault({})`, so that it may be left out.
 * - A key that may be absent ends in `.exactOptional()`, which parses to `key?: T` and so fits our plain options.
 * - `.describe()` comes last. It is one or two sentences; they are printed in the example and the reference.
 * - A message for `.regex()`, `.refine()` or `{ error }` that begins with `expected …` is printed followed by
 *   `, found "…"` with the value masked where it is secret; any other message is printed as it is.
 * - Prefer `z.discriminatedUnion('kind', …)` to `z.union()`, and `z.strictObject()` to `z.object()`.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseAddress, parseDomain } from '../src/mail/address.ts';

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const octets = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const;

const durationText = 'expected a duration such as 250ms, 30s, 5m, 4h or 5d';
const sizeText = 'expected a size such as 64KB, 50MB or 2GB';

/** `30s` in milliseconds. A bare number is refused: nobody knows its unit. */
export const duration = z
  .string({ error: durationText })
  .regex(/^\d{1,9}(ms|s|m|h|d|w)$/, durationText)
  .transform((text) => parseUnit(text, milliseconds))
  .refine((value) => value <= milliseconds.d * 3650, 'expected a duration of at most 3650d')
  .meta({ unit: 'duration' });

/** `50MB` in octets; 1 KB is 1024 octets, as mail systems count. */
export const size = z
  .string({ error: sizeText })
  .regex(/^\d{1,9}(B|KB|MB|GB|TB)$/, sizeText)
  .transform((text) => parseUnit(text, octets))
  .refine((value) => Number.isSafeInteger(value), 'expected a size of at most 8000TB')
  .meta({ unit: 'size' });

/** A duration with limits, both permitted: `durationBetween('1s', '1h').prefault('5m')`. */
export const durationBetween = (least: string, most: string) =>
  duration.refine(
    (value) => value >= parseUnit(least, milliseconds) && value <= parseUnit(most, milliseconds),
    `expected a duration from ${least} to ${most}`,
  );

/** A size with limits, both permitted. */
export const sizeBetween = (least: string, most: string) =>
  size.refine(
    (value) => value >= parseUnit(least, octets) && value <= parseUnit(most, octets),
    `expected a size from ${least} to ${most}`,
  );

function parseUnit(text: string, units: Readonly<Record<string, number>>): number {
  const [, count = '', unit = ''] = /^(\d+)(\D+)$/.exec(text) ?? [];
  const factor = units[unit];
  if (count === '' || factor === undefined) return Number.NaN;
  return Number(count) * factor;
}

/** Never printed: the mark `secret` is what printing code looks for. Best written as `${env:NAME}` or `${file:path}`. */
export const secret = z
  .string({ error: 'expected a secret as text' })
  .min(1, 'expected a secret that is not empty')
  .meta({ secret: true, unit: 'secret' });

/** A TCP or UDP port to connect to or to listen on. */
const portText = 'expected a port number from 1 to 65535';
export const port = z.int({ error: portText }).min(1, portText).max(65535, portText).meta({ unit: 'port' });

/** A path. The loader makes it absolute: a relative one is relative to the folder of the configuration file. */
export const filePath = z
  .string({ error: 'expected a path' })
  .min(1, 'expected a path')
  .refine((text) => !text.includes('\0'), 'expected a path without NUL')
  .meta({ path: true, unit: 'path' });

/** A path of a file that the loader must find and be able to read. */
export const readableFile = filePath.meta({ path: true, readable: true, unit: 'file' });

/** A certificate chain and its private key, PEM. The loader checks that both can be read and belong together. */
export const certificatePair = z
  .strictObject({
    cert: readableFile.describe('PEM file with the certificate, followed by its intermediates.'),
    key: readableFile.describe('PEM file with the private key.'),
  })
  .meta({ certificatePair: true });

/** An IPv4 or IPv6 address, without brackets. */
const ipText = 'expected an IP address such as 192.0.2.1 or 2001:db8::1';
export const ipAddress = z
  .string({ error: ipText })
  .refine((text) => isIP(text) !== 0, ipText)
  .meta({ unit: 'IP address' });

/** `192.0.2.0/24`, `2001:db8::/32`, or one address. */
const networkText = 'expected a network such as 192.0.2.0/24, 2001:db8::/32 or one IP address';
export const network = z
  .string({ error: networkText })
  .refine(isNetwork, networkText)
  .meta({ unit: 'network' });

function isNetwork(text: string): boolean {
  const [, ip = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(ip);
  if (version === 0) return false;
  return bits === undefined || Number(bits) <= (version === 4 ? 32 : 128);
}

/** A domain, parsed to the form we compare by: lower-case A-labels. */
const domainText = 'expected a domain such as example.org';
export const domainName = z
  .string({ error: domainText })
  .refine((text) => !text.startsWith('[') && parseDomain(text) !== undefined, domainText)
  .transform((text) => parseDomain(text) ?? text)
  .meta({ unit: 'domain' });

/** A host to connect to, by name or address, without port or brackets; names in A-labels, as DNS holds them. */
const hostText = 'expected a host name or an IP address, without port, such as mail.example.org or 192.0.2.1';
export const hostName = z
  .string({ error: hostText })
  .refine((text) => isIP(text) !== 0 || (!text.startsWith('[') && parseDomain(text) !== undefined), hostText)
  .transform((text) => (isIP(text) === 0 ? (parseDomain(text) ?? text) : text))
  .meta({ unit: 'host' });

/** A mail address as text; rooms parse it with mail/address. */
const addressText = 'expected a mail address such as ada@example.org';
export const mailAddress = z
  .string({ error: addressText })
  .refine((text) => parseAddress(text) !== undefined, addressText)
  .meta({ unit: 'mail address' });

/** The name an operator gives to a thing (site, listener, rule), and refers to it by. */
const nameText = 'expected a name of letters, digits, "-", "_" and ".", beginning with a letter or digit';
export const name = z
  .string({ error: nameText })
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, nameText)
  .meta({ unit: 'name' });
