/**
 * peers/need - a suite that talks to peers runs where they are, and is loudly listed where they are not.
 */
import { describe } from 'vitest';
import { whyMissing } from './packages.ts';
import { isCi, unrun } from './unrun.ts';

/** Servers that cannot be started by anyone else, installed or not. */
const forRoot: readonly string[] = ['postfix', 'samba'];

/**
 * `describe` for a suite that needs Debian packages. Await it at the top of the test file.
 * Without them the suite is recorded as not run; with CI=true that is an error.
 */
export async function describeWith(
  packages: readonly string[],
  name: string,
  body: () => void,
): Promise<void> {
  const absent = new Map(await whyMissing(packages));
  if (process.getuid?.() !== 0) {
    for (const peer of packages.filter((one) => forRoot.includes(one)))
      absent.set(peer, 'only root may start it');
  }
  if (absent.size === 0) {
    describe(name, body);
    return;
  }
  const why = [...absent].map(([peer, reason]) => `${peer}: ${reason}`).join('; ');
  unrun(name, why);
  if (isCi()) throw new Error(`${name} could not be run (${why})`);
  describe.skip(name, body);
}
