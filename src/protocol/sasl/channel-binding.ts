/**
 * protocol/sasl/channel-binding - what a TLS connection is known by at both its ends.
 *
 * tls-exporter (RFC 9266): 32 octets that only the two ends of this connection can compute. Only with TLS 1.3: before,
 * it is safe only with extended master secrets (RFC 9266 §4), and Node does not say whether there are any.
 * tls-server-end-point (RFC 5929 §4): the hash of the server's certificate, by the hash of its signature; at least SHA-256.
 * Certificates that are signed without a hash (Ed25519) or with one that the name does not tell (RSASSA-PSS) have none.
 */
import { createHash, X509Certificate } from 'node:crypto';

export interface TlsEnd {
  /** `TLSv1.3`. */
  readonly version: string | null;
  /** TLSSocket's. */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
  /** DER: the certificate that the server has shown in this connection. */
  readonly serverCertificate: Uint8Array | undefined;
}

export function channelBindings(tls: TlsEnd): ReadonlyMap<string, Uint8Array> {
  const bindings = new Map<string, Uint8Array>();
  if (tls.version === 'TLSv1.3')
    bindings.set('tls-exporter', tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
  const endPoint = tls.serverCertificate && serverEndPoint(tls.serverCertificate);
  if (endPoint) bindings.set('tls-server-end-point', endPoint);
  return bindings;
}

/** MD5 and SHA-1 are replaced by SHA-256. */
const hashes: readonly (readonly [RegExp, string])[] = [
  [/sha-?3-(224|256|384|512)/i, 'sha3-'],
  [/sha-?(224|256|384|512)/i, 'sha'],
  [/md5|sha-?1/i, 'sha256'],
];

export function serverEndPoint(certificate: Uint8Array): Uint8Array | undefined {
  const algorithm = new X509Certificate(certificate).signatureAlgorithm ?? '';
  for (const [pattern, hash] of hashes) {
    const found = pattern.exec(algorithm);
    if (found)
      return createHash(`${hash}${found[1] ?? ''}`)
        .update(certificate)
        .digest();
  }
  return undefined;
}
