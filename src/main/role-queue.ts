/**
 * main/role-queue - delivers what waits: retries, what other processes accepted, reports.
 */
import { dropPrivileges } from '../serve/privileges.ts';
import type { Role } from '../serve/role.ts';
import { now, openBase } from './base.ts';
import { openBlobs } from './ground.ts';
import { openOutlet, openResolver } from './outlet.ts';
import type { Settings } from './settings.ts';

export async function startQueue(first: Settings): Promise<Role> {
  dropPrivileges(first.user);
  const base = await openBase('queue', first);
  const blobs = await openBlobs(first.config, first.installation, base.log, now);
  const outlet = openOutlet(base, blobs, await openResolver(first.config));
  return {
    facts: {},
    reload: (next) => base.take(next as Settings),
    async drain(signal) {
      await outlet.close(signal);
      await base.close();
    },
    metrics: () => base.metrics.snapshot(),
  };
}
