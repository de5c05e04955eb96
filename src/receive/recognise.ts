/**
 * receive/recognise - who is at the other end: one of our sites, a client that may relay, or a stranger.
 */
import type { TLSSocket } from 'node:tls';
import { NetworkSet } from '../listen/networks.ts';
import type { ClientTls } from '../mail/envelope.ts';
import type { ListenerOptions, ReceiveDeps } from './options.ts';

export interface Standing {
  readonly mayRelay: boolean;
  readonly site?: string;
}

/** Compiled once for each set of options. */
export class Recogniser {
  readonly proxies: NetworkSet;
  readonly xclients: NetworkSet;
  readonly #networks: NetworkSet;
  readonly #names: ReadonlySet<string>;
  readonly #siteOf: NonNullable<ReceiveDeps['recognise']>;

  constructor(options: ListenerOptions, siteOf: ReceiveDeps['recognise']) {
    this.proxies = new NetworkSet(options.proxyProtocol.networks);
    this.xclients = new NetworkSet(options.xclient.networks);
    this.#networks = new NetworkSet(options.relay.networks);
    this.#names = new Set(options.relay.certificateNames.map((name) => name.toLowerCase()));
    this.#siteOf = siteOf ?? (() => undefined);
  }

  standing(ip: string, certificateNames: readonly string[] = []): Standing {
    const site = this.#siteOf(ip, certificateNames);
    const mayRelay = this.#networks.has(ip) || certificateNames.some((name) => this.#names.has(name));
    return { mayRelay, ...(site === undefined ? {} : { site }) };
  }
}

/** What the TLS session says about the client; certificates only when they were verified. */
export function tlsFacts(socket: TLSSocket): ClientTls {
  const facts = {
    version: socket.getProtocol() ?? 'TLS',
    cipher: socket.getCipher()?.standardName ?? 'unknown',
  };
  if (!socket.authorized) return facts;
  const certificate = socket.getPeerCertificate();
  if (certificate?.fingerprint256 === undefined) return facts;
  return {
    ...facts,
    certificateNames: certificateNames(certificate.subjectaltname, certificate.subject?.CN),
    certificateFingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** DNS names among the subject's alternative names, and its common names; lower case, each once. */
function certificateNames(alternative: string | undefined, common: string | string[] | undefined): string[] {
  const alternatives = (alternative ?? '').split(', ').flatMap((entry) => {
    const name = /^DNS:([A-Za-z0-9*_.-]+)$/.exec(entry)?.[1];
    return name === undefined ? [] : [name];
  });
  const commons = [common ?? []].flat().filter((name) => /^[A-Za-z0-9*_.-]+$/.test(name));
  return [...new Set([...alternatives, ...commons].map((name) => name.toLowerCase()))];
}
