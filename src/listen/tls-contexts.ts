/**
 * listen/tls-contexts - certificates ready for handshakes, by the name the client asks for (RFC 6066 §3).
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { CertificateOptions, TlsOptions } from './tls-options.ts';

/** Resumed sessions belong to us alone; OpenSSL asks for it where client certificates are requested. */
const sessionIdContext = 'isthmus';

export class TlsContexts {
  readonly fallback: SecureContext;
  readonly #byName = new Map<string, SecureContext>();

  /** Throws an Error that says which certificate is no good. */
  constructor(options: TlsOptions, read: ReadFile = readText) {
    const contexts = options.certificates.map((one, index) => {
      const cert = pem(one.cert, `tls.certificates[${index}].cert`, read);
      const context = contextOf(cert, one, options, index, read);
      for (const name of namesOf(cert, one)) {
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

type ReadFile = (path: string) => string;
const readText: ReadFile = (path) => readFileSync(path, 'utf8');

/** PEM as it is, or what is in the file. */
function pem(textOrPath: string, key: string, read: ReadFile): string {
  if (textOrPath.trimStart().startsWith('-----BEGIN')) return textOrPath;
  try {
    return read(textOrPath);
  } catch (cause) {
    throw new Error(`${key}: ${(cause as Error).message}`, { cause });
  }
}

function contextOf(
  cert: string,
  one: CertificateOptions,
  options: TlsOptions,
  index: number,
  read: ReadFile,
): SecureContext {
  const { ciphers, authorities } = options;
  const key = pem(one.key, `tls.certificates[${index}].key`, read);
  const ca = authorities === undefined ? undefined : pem(authorities, 'tls.authorities', read);
  try {
    return createSecureContext({
      cert,
      key,
      minVersion: options.minVersion,
      sessionIdContext,
      honorCipherOrder: true,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(ca === undefined ? {} : { ca }),
    });
  } catch (cause) {
    throw new Error(`tls.certificates[${index}]: ${(cause as Error).message}`, { cause });
  }
}

function namesOf(cert: string, one: CertificateOptions): string[] {
  if (one.names !== undefined && one.names.length > 0) return one.names.map((name) => name.toLowerCase());
  const certificate = new X509Certificate(cert);
  const alternative = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([A-Za-z0-9*_.-]+)/g)];
  const common = /^CN=([A-Za-z0-9*_.-]+)$/m.exec(certificate.subject)?.[1];
  return [...alternative.map((match) => match[1] ?? ''), common ?? '']
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase());
}
