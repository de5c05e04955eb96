/**
 * receive/tls-contexts - certificates ready for handshakes, by the name the client asks for (RFC 6066 §3).
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { CertificateOptions, TlsOptions } from './options.ts';

/** Resumed sessions belong to us alone; OpenSSL asks for it where client certificates are requested. */
const sessionIdContext = 'isthmus-receive';

export class TlsContexts {
  readonly fallback: SecureContext;
  readonly #byName = new Map<string, SecureContext>();

  /** Throws an Error that says which certificate is no good. */
  constructor(options: TlsOptions) {
    const contexts = options.certificates.map((one, index) => {
      const context = contextOf(one, options, index);
      for (const name of namesOf(one)) {
        if (!this.#byName.has(name)) this.#byName.set(name, context);
      }
      return context;
    });
    const [first] = contexts;
    if (first === undefined) throw new Error(`tls.mode is ${options.mode}, but tls.certificates is empty`);
    this.fallback = first;
  }

  /** The context for a server name; `*.example.org` serves one label more. */
  find(servername: string): SecureContext {
    const name = servername.toLowerCase().replace(/\.$/, '');
    const wildcard = name.replace(/^[^.]+/, '*');
    return this.#byName.get(name) ?? this.#byName.get(wildcard) ?? this.fallback;
  }
}

function contextOf(one: CertificateOptions, options: TlsOptions, index: number): SecureContext {
  try {
    return createSecureContext({
      cert: one.certificate,
      key: one.key,
      minVersion: options.minVersion,
      sessionIdContext,
      honorCipherOrder: true,
      ...(options.ciphers === undefined ? {} : { ciphers: options.ciphers }),
      ...(options.authorities === undefined ? {} : { ca: options.authorities }),
    });
  } catch (cause) {
    throw new Error(`tls.certificates[${index}]: ${(cause as Error).message}`, { cause });
  }
}

function namesOf(one: CertificateOptions): string[] {
  if (one.names !== undefined && one.names.length > 0) return one.names.map((name) => name.toLowerCase());
  const certificate = new X509Certificate(one.certificate);
  const alternative = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([A-Za-z0-9*_.-]+)/g)];
  const common = /^CN=([A-Za-z0-9*_.-]+)$/m.exec(certificate.subject)?.[1];
  return [...alternative.map((match) => match[1] ?? ''), common ?? '']
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase());
}
