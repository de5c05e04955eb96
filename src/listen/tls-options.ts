/**
 * listen/tls-options - what an operator may say about the TLS of one listener.
 */
export interface TlsOptions {
  /** required: nothing of weight (MAIL, sign-in) before STARTTLS. implicit: TLS from the first octet. */
  readonly mode: 'none' | 'optional' | 'required' | 'implicit';
  /** The first one is shown to clients that ask for no name or for an unknown one. */
  readonly certificates: readonly CertificateOptions[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's notation; Node's default when absent. */
  readonly ciphers?: string | undefined;
  /** require: a connection without a verified certificate ends in the handshake. */
  readonly clientCertificates: 'ignore' | 'request' | 'require';
  /** PEM of the authorities for client certificates, or its path; the public ones when absent. */
  readonly authorities?: string | undefined;
}

/** PEM text, or the path of a PEM file: read at bind, while low ports and private files are still ours, and at reload. */
export interface CertificateOptions {
  /** The chain included. */
  readonly cert: string;
  readonly key: string;
  /** Server names it is shown for; those in the certificate when absent or empty. */
  readonly names?: readonly string[] | undefined;
}
