/** A role for the supervisor's tests: what it does is told by its settings. */
import { appendFileSync } from 'node:fs';
import { runUnderSupervisor } from '../../src/serve/role.ts';

interface Settings {
  readonly crashAfterMs?: number;
  readonly drainMs?: number;
  /** All, or those of this name. */
  readonly refuseReload?: boolean | string;
  readonly endAtReload?: boolean;
  readonly reloadMs?: number;
  /** Written into `record` whenever the settings are taken. */
  readonly label?: string;
  readonly record?: string;
  readonly neverReady?: boolean;
  readonly cannotStart?: string;
  readonly readyAfterMs?: number;
}

await runUnderSupervisor(process.argv[2] ?? '', async (name, given, around) => {
  let settings = given as Settings;
  if (settings.cannotStart !== undefined) throw new Error(settings.cannotStart);
  if (settings.readyAfterMs) await new Promise((resolve) => setTimeout(resolve, settings.readyAfterMs));
  if (settings.neverReady) await new Promise(() => setInterval(() => {}, 1_000));
  if (settings.crashAfterMs !== undefined) setTimeout(() => process.exit(3), settings.crashAfterMs);
  const taken = ({ record, label }: Settings) => {
    if (record !== undefined) appendFileSync(record, `${name} ${label}\n`);
  };
  taken(settings);
  const idle = setInterval(() => {}, 1_000);
  return {
    facts: { name },
    async reload(next) {
      const { refuseReload, endAtReload, reloadMs = 0 } = next as Settings;
      if (endAtReload) process.exit(4);
      await new Promise((resolve) => setTimeout(resolve, reloadMs));
      if (refuseReload === true || refuseReload === name) throw new Error('will not');
      settings = next as Settings;
      taken(settings);
    },
    async drain() {
      await new Promise((resolve) => setTimeout(resolve, settings.drainMs ?? 0));
      clearInterval(idle);
    },
    async metrics() {
      return { name, roles: (await around.gather.length) === 0 };
    },
  };
});
