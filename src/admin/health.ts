/**
 * admin/health - whether this node can do its work, part by part.
 *
 * A load balancer takes a node away by this, so only what keeps mail from being taken or routed is not ok. A directory
 * that is away concerns all nodes at once, and its last good snapshot routes as before: that is told here and is an
 * alarm in log and metrics, and no reason to close the house. Says nothing about messages, people or other systems.
 */
import type { SourceHealth } from '../ports/directory.ts';

export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

/** One process of a role, as its supervisor sees it. */
interface RoleState {
  readonly role: string;
  readonly copy: number;
  readonly state: string;
  readonly restarts: number;
}

export function roleCheck({ role, copy, state, restarts }: RoleState): HealthCheck {
  const text = restarts === 0 ? state : `${state}, started again ${restarts} times`;
  return { name: `${role}/${copy}`, ok: state === 'ready', text };
}

export function directoryCheck({ source, entries, goodAt, tooOld, trouble }: SourceHealth): HealthCheck {
  const name = `directory ${source}`;
  if (goodAt === undefined)
    return { name, ok: false, text: 'never read: nobody in it can be told from strangers' };
  if (tooOld) return { name, ok: true, text: 'older than allowed; mail is routed by it all the same' };
  if (trouble !== undefined)
    return { name, ok: true, text: 'not refreshed; isthmus directory status tells why' };
  return { name, ok: true, text: `${entries} entries` };
}
