/**
 * main/crew - the roles of one node: processes of their own under the supervisor, or with `--single` all in this one.
 */
import type { Config } from '../../config/schema.ts';
import type { Log } from '../ports/log.ts';
import { dropPrivileges } from '../serve/privileges.ts';
import type { Role, Surroundings } from '../serve/role.ts';
import { CannotStart, type Refusal, type RoleSpec, Supervisor } from '../serve/supervisor.ts';
import { startRole } from './roles.ts';
import type { Settings } from './settings.ts';

export const roleNames = ['receive', 'queue', 'access', 'admin'] as const;
export type RoleName = (typeof roleNames)[number];

export interface CrewOptions {
  /** Everything in one process. */
  readonly single: boolean;
  /** Only these roles; undefined: those of the configuration. */
  readonly roles: readonly string[] | undefined;
  /** This program's first file, to start roles by. */
  readonly program: string;
}

/** All roles, or the processes of all roles, seen as one thing. */
export interface Crew {
  /** Resolves when all are ready, or once stop() was called; rejects with CannotStart. */
  start(settings: Settings): Promise<void>;
  /** All roles take them, or all keep the old ones: then, which ones refused. */
  reload(settings: Settings): Promise<readonly Refusal[]>;
  stop(): Promise<void>;
}

/** Where nobody can come for their mail, there is nothing for `access` to do. */
const copiesOf = (name: RoleName, config: Config): number =>
  name === 'access' && config.access.listeners.length === 0 ? 0 : config.run.roles[name];

const wanted = (options: CrewOptions, config: Config): RoleSpec[] =>
  roleNames
    .map((name) => ({ name, copies: copiesOf(name, config) }))
    .filter(({ name, copies }) => (options.roles === undefined ? copies > 0 : options.roles.includes(name)))
    .map(({ name, copies }) => ({ name, copies: Math.max(1, copies) }));

export function makeCrew(options: CrewOptions, config: Config, log: Log): Crew {
  const roles = wanted(options, config);
  if (options.single) return makeSingle(roles, config, log);
  return new Supervisor({
    roles,
    command: (role) => [options.program, 'role', role],
    log,
    graceMs: config.shutdownGrace,
    backOff: config.run.backOff,
    readyWithin: config.run.readyWithin,
  });
}

/** Roles of one process start in order, so that ports are bound before the first of them gives root away. */
function makeSingle(specs: readonly RoleSpec[], config: Config, log: Log): Crew {
  const running: { readonly name: string; readonly role: Role }[] = [];
  const around: Surroundings = {
    gather: async () => ({
      values: await Promise.all(running.map(({ role }) => role.metrics())),
      roles: running.map(({ name }) => ({
        role: name,
        copy: 0,
        pid: process.pid,
        state: 'ready',
        restarts: 0,
      })),
    }),
  };
  let stopping = false;
  let inForce: Settings | undefined;
  const give = async (settings: Settings): Promise<Refusal[]> => {
    const refusals: Refusal[] = [];
    for (const { name, role } of running) {
      await role
        .reload(settings)
        .catch((error: Error) => refusals.push({ role: name, trouble: error.message }));
    }
    return refusals;
  };
  return {
    async start(settings) {
      inForce = settings;
      for (const { name } of specs) {
        if (stopping) return;
        const role = await startRole(name, settings, around).catch((cause: Error) => {
          throw new CannotStart(`${name} cannot start: ${cause.message}`, { cause });
        });
        running.push({ name, role });
        log.info({ role: name, pid: process.pid, ...role.facts }, 'role ready');
      }
      dropPrivileges(settings.user);
    },
    async reload(next) {
      const refusals = await give(next);
      if (refusals.length === 0) inForce = next;
      else if (inForce !== undefined) {
        const lost = await give(inForce);
        log.warn({}, 'new settings were refused, roles were given back the old ones');
        for (const facts of lost)
          log.error(facts, 'role did not take back its old settings, the node needs a restart');
      }
      return refusals;
    },
    async stop() {
      stopping = true;
      const signal = AbortSignal.timeout(config.shutdownGrace);
      await Promise.all(running.map(({ role }) => role.drain(signal)));
    },
  };
}
