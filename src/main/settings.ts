/**
 * main/settings - what the roles are told: the configuration with the files it names already read.
 *
 * Made by the supervisor, sent through its pipe to the roles; plain values only.
 */
import { readFileSync } from 'node:fs';
import type { Loaded } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Site } from '../deliver/options.ts';
import type { CertificateOptions } from '../listen/tls-options.ts';
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
  readonly routing: RoutingSpec;
  /** Sites as deliver sees them, PEM in place of file names. */
  readonly sites: ReadonlyMap<string, Site>;
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
    routing: routingOf(config),
    sites: new Map(Object.entries(config.sites).map(([name, site]) => [name, siteOf(site)])),
  };
}

const pem = (file: string): string => readFileSync(file, 'utf8');

const certificateOf = (given: { cert: string; key: string; names: string[] }): CertificateOptions => ({
  cert: pem(given.cert),
  key: pem(given.key),
  names: given.names,
});

function listenerOf(listener: Config['listeners'][number], config: Config): ListenerOptions {
  const { certificates, authorities, ...tls } = listener.tls;
  return {
    ...listener,
    hostname: config.hostname,
    reusePort: config.run.roles.receive > 1,
    tls: {
      ...tls,
      certificates: certificates.map(certificateOf),
      authorities: authorities === undefined ? undefined : pem(authorities),
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
