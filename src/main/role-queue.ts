/**
 * main/role-queue - delivers what waits: retries, what other processes accepted, reports.
 */
import { openSpool } from '../queue/spool.ts';
import { openTrace } from '../queue/trace.ts';
import { dropPrivileges } from '../serve/privileges.ts';
import type { Role } from '../serve/role.ts';
import { now, openBase } from './base.ts';
import { openBlobs } from './ground.ts';
import { startHousekeeping } from './housekeeping.ts';
import { hostsMail, openLocalDelivery } from './local-delivery.ts';
import { openOutlet, openResolver, spoolOptions } from './outlet.ts';
import type { Settings } from './settings.ts';

export async function startQueue(first: Settings): Promise<Role> {
  dropPrivileges(first.user);
  const base = await openBase('queue', first);
  const blobs = await openBlobs(first.config, first.installation, base.log, now);
  const trace = openTrace({ database: base.database, log: base.log, metrics: base.metrics });
  // What scripts of people here send.
  const spool = openSpool(spoolOptions(base, blobs));
  const local = hostsMail(first) ? await openLocalDelivery(base, spool, trace) : undefined;
  const housekeeping = local && startHousekeeping(base, local.hosting);
  const outlet = openOutlet(base, blobs, await openResolver(first.config), local?.agent);
  return {
    facts: {},
    reload: (next) => base.take(next as Settings),
    async drain(signal) {
      await outlet.close(signal);
      await spool.close();
      await housekeeping?.close();
      await local?.hosting.close();
      await trace.close();
      await base.close();
    },
    metrics: () => base.metrics.snapshot(),
  };
}
