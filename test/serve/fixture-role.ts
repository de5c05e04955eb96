/** A role for the supervisor's tests: what it does is told by its settings. */
import { runUnderSupervisor } from '../../src/serve/role.ts';

interface Settings {
  readonly crashAfterMs?: number;
  readonly drainMs?: number;
  readonly refuseReload?: boolean;
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
  const idle = setInterval(() => {}, 1_000);
  return {
    facts: { name },
    async reload(next) {
      if ((next as Settings).refuseReload) throw new Error('will not');
      settings = next as Settings;
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
