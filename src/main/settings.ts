/**
 * main/settings - what the roles are told: the configuration with the files it names already read.
 *
 * Made by the supervisor, sent through its pipe to the roles; plain values only.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Loaded } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { type AccessListenerOptions, defaultAccessLimits } from '../access/options.ts';
import type { Site } from '../deliver/options.ts';
import type { CertificateOptions, TlsOptions } from '../listen/tls-options.ts';
import type { OperatorScript } from '../local/options.ts';
import type { ListenerOptions } from '../receive/options.ts';
import type { RoutingSpec } from '../route/spec.ts';
import type { SystemUser } from '../serve/privileges.ts';

export interface Settings {
  readonly config: Config;
  readonly databaseUrl: string;
  /** Id of the installation (ground.ts). */
  readonly installation: string;
  /** Whom roles become once they need root no more. */
  readonly user: SystemUser | undefined;
  readonly listeners: readonly ListenerOptions[];
  readonly accessListeners: readonly AccessListenerSetting[];
  readonly routing: RoutingSpec;
  /** The operator's Sieve scripts. */
  readonly scripts: Readonly<Record<'before' | 'after' | 'global', readonly OperatorScript[]>>;
  /** Of store.encryptionKeys, base64; the last one seals. */
  readonly storeKeys: readonly { readonly number: number; readonly key: string }[];
  /** PEM of the authorities of each of auth.oidc; undefined: the system's. */
  readonly oidcAuthorities: readonly (string | undefined)[];
  /** Sites as deliver sees them, PEM in place of file names. */
  readonly sites: ReadonlyMap<string, Site>;
}

/** One listener for reading mail, with what its protocol needs to know. */
export interface AccessListenerSetting extends AccessListenerOptions {
  readonly protocol: 'imap' | 'pop3' | 'managesieve';
  readonly sessionsPerAccount: number;
  readonly lineLimit: number;
  readonly errors: number;
}

export interface Place {
  readonly databaseUrl: string;
  readonly installation: string;
  readonly user: SystemUser | undefined;
}

/** Throws when a file that is named cannot be read. */
export function makeSettings({ config }: Loaded, place: Place): Settings {
  return {
    config,
    ...place,
    listeners: config.listeners.map((listener) => listenerOf(listener, config)),
    accessListeners: config.access.listeners.map((listener) => accessListenerOf(listener, config)),
    routing: routingOf(config),
    scripts: {
      before: config.local.sieve.before.map(scriptOf),
      after: config.local.sieve.after.map(scriptOf),
      global: config.local.sieve.global.map(scriptOf),
    },
    storeKeys: config.store.encryptionKeys.map(({ number, file }) => ({ number, key: keyIn(file) })),
    oidcAuthorities: config.auth.oidc.map(({ ca }) => (ca === undefined ? undefined : pem(ca))),
    sites: new Map(Object.entries(config.sites).map(([name, site]) => [name, siteOf(site)])),
  };
}

const scriptOf = (file: string): OperatorScript => ({
  name: basename(file),
  content: readFileSync(file, 'utf8'),
});

/** 32 octets in hexadecimal or base64, in base64. */
function keyIn(file: string): string {
  const text = readFileSync(file, 'utf8').trim();
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length !== 32) throw new Error(`${file}: expected a key of 32 octets in hexadecimal or base64`);
  return key.toString('base64');
}

const pem = (file: string): string => readFileSync(file, 'utf8');

const certificateOf = (given: { cert: string; key: string; names: string[] }): CertificateOptions => ({
  cert: pem(given.cert),
  key: pem(given.key),
  names: given.names,
});

function listenerOf(listener: Config['listeners'][number], config: Config): ListenerOptions {
  return {
    ...listener,
    hostname: config.hostname,
    reusePort: config.run.roles.receive > 1,
    tls: tlsOf(listener.tls),
  };
}

function tlsOf({ certificates, authorities, ...tls }: Config['listeners'][number]['tls']): TlsOptions {
  return {
    ...tls,
    certificates: certificates.map(certificateOf),
    authorities: authorities === undefined ? undefined : pem(authorities),
  };
}

function accessListenerOf(
  listener: Config['access']['listeners'][number],
  config: Config,
): AccessListenerSetting {
  const { name, address, port, protocol, proxyProtocol, limits } = listener;
  const { connections, connectionsPerNetwork, connectionsPerMinute } = limits;
  return {
    ...{ name, address, port, protocol, proxyProtocol },
    reusePort: config.run.roles.access > 1,
    tls: tlsOf(listener.tls),
    sessionsPerAccount: limits.connectionsPerAccount,
    lineLimit: limits.commandLine,
    errors: limits.errors,
    limits: {
      ...defaultAccessLimits,
      ...{ connections, connectionsPerNetwork, connectionsPerMinute },
      greetingTime: limits.beforeLogin,
      idleTime: limits.idle,
    },
  };
}

export const routingOf = (config: Config): RoutingSpec => ({
  domains: config.domains,
  sites: config.sites,
  homes: config.homes,
  groups: config.groups,
  rules: config.rules,
  disabled: config.disabled,
  ...(config.postmaster === undefined ? {} : { postmaster: config.postmaster }),
});

function siteOf(site: Config['sites'][string]): Site {
  const { ca, clientCertificate, ...rest } = site;
  return {
    ...rest,
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(clientCertificate === undefined
      ? {}
      : { clientCertificate: { cert: pem(clientCertificate.cert), key: pem(clientCertificate.key) } }),
  };
}
