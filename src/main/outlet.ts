/**
 * main/outlet - the way out: a worker of the queue with its delivery agents and its name servers.
 */

import type { Config } from '../../config/schema.ts';
import { loadServers, parseServer } from '../../connectors/dns/resolv-conf.ts';
import { makeResolver } from '../../connectors/dns/resolver.ts';
import { makeSmtpAgent } from '../deliver/agent.ts';
import type { NextHop } from '../mail/route.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { DeliveryAgent } from '../ports/delivery-agent.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { SpoolOptions } from '../queue/spool.ts';
import { startWorker, type Worker } from '../queue/worker.ts';
import { type Base, now, random } from './base.ts';
import type { Settings } from './settings.ts';

const resolvConf = '/etc/resolv.conf';

export async function openResolver({ dns }: Config): Promise<Resolver> {
  const named = dns.servers.flatMap((server) => parseServer(server) ?? []);
  const servers = named.length > 0 ? named : await loadServers(resolvConf);
  return makeResolver({ ...dns, servers }, now);
}

export function spoolOptions(base: Base, blobs: BlobStore): SpoolOptions {
  const { config } = base.settings();
  const { database, log, metrics } = base;
  return {
    ...{ database, blobs, log, metrics, now, random },
    hostname: config.hostname,
    limits: { ...config.queue, inlineLimit: config.blobs.inlineLimit },
  };
}

export interface Outlet {
  readonly worker: Worker;
  /** Lets deliveries under way end until `signal` aborts. */
  close(signal: AbortSignal): Promise<void>;
}

/** Whether a next hop is the store of this installation: a site whose next hop says `protocol: local`. */
export const isHere = ({ sites }: Pick<Settings, 'sites'>, hop: NextHop): boolean =>
  hop.kind === 'site' && sites.get(hop.site)?.nextHops.some(({ protocol }) => protocol === 'local') === true;

/** `local` takes mail for mailboxes here; without it such mail waits. */
export function openOutlet(base: Base, blobs: BlobStore, resolver: Resolver, local?: DeliveryAgent): Outlet {
  const { config } = base.settings();
  const { database, directory, routing, log, metrics } = base;
  const agent = makeSmtpAgent({
    resolver,
    sites: () => base.settings().sites,
    hostname: config.hostname,
    delivery: config.delivery,
    log,
    metrics,
    now,
    random,
  });
  const worker = startWorker({
    database,
    blobs,
    routing,
    directory,
    agent: (hop) => (local !== undefined && isHere(base.settings(), hop) ? local : agent),
    hostname: config.hostname,
    policy: config.queue,
    log,
    metrics,
    now,
    random,
  });
  return {
    worker,
    async close(signal) {
      await worker.close(signal);
      await Promise.all([agent.close(signal), local?.close(signal)]);
    },
  };
}
