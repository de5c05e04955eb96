/**
 * deliver/tls - how TLS is asked for: names, authorities, our certificate. TLS 1.2 and later (RFC 8996).
 *
 * Node checks chain and name in the handshake and goes on regardless; connection.ts looks at the verdict and decides
 * by policy. Contexts are costly (the system's authorities are parsed), so there is one for each settings object.
 */
import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import { PeerFault } from './fault.ts';
import type { HopSettings } from './options.ts';

const contexts = new WeakMap<HopSettings, SecureContext>();

export function tlsOptions(target: {
  readonly host: string;
  readonly ip: string;
  readonly settings: HopSettings;
}): ConnectionOptions {
  const name = target.settings.tlsName ?? target.host;
  return {
    // Compared with the certificate; with an IP address, its iPAddress entries. SNI cannot be an address (RFC 6066 §3).
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    secureContext: contextOf(target.settings),
    rejectUnauthorized: false,
  };
}

function contextOf(settings: HopSettings): SecureContext {
  const known = contexts.get(settings);
  if (known) return known;
  try {
    const made = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(settings.ca === undefined ? {} : { ca: settings.ca }),
      ...(settings.clientCertificate ?? {}),
    });
    contexts.set(settings, made);
    return made;
  } catch (error) {
    throw new PeerFault(
      'tls',
      `our certificate, key or authorities cannot be used: ${(error as Error).message}`,
    );
  }
}
