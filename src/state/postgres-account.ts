/**
 * state/postgres-account - as whom the private server runs, and whether that user can get at its files.
 *
 * PostgreSQL refuses to run as root. Started by root it becomes an unprivileged user; started by
 * anyone else it stays who we are.
 */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface Account {
  readonly name: string;
  /** undefined: the user we are already. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

/** Tried in this order when none is configured. */
const usualUsers = ['isthmus', 'postgres', 'nobody'];

/**
 * `owner` is the uid that an existing data folder belongs to: with no `user` named, the server goes on as that one.
 */
export function chooseAccount(user: string | undefined, owner: number | undefined): Account {
  if (process.getuid?.() !== 0) return { name: 'the user who runs Isthmus' };
  const known = passwd();
  if (user !== undefined) {
    const found = known.find(({ name }) => name === user);
    if (!found)
      throw new Error(
        `There is no user '${user}' on this machine to run PostgreSQL as: create it, or set run.user.`,
      );
    if (found.ids.uid === 0)
      throw new Error('PostgreSQL does not run as root: set run.user to an unprivileged user.');
    return found;
  }
  const byOwner = owner ? known.find(({ ids }) => ids.uid === owner) : undefined;
  const usual = usualUsers.map((name) => known.find((entry) => entry.name === name)).find((entry) => entry);
  const chosen = byOwner ?? usual;
  if (!chosen)
    throw new Error(
      `PostgreSQL does not run as root, and none of ${usualUsers.join(', ')} exists: set run.user.`,
    );
  return chosen;
}

function passwd(): readonly (Account & { readonly ids: { readonly uid: number; readonly gid: number } })[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, ids: { uid: Number(uid), gid: Number(gid) } }));
}

/** The first folder on the way to `path` that the account cannot pass. */
export function obstacle(path: string, account: Account): string | undefined {
  if (!account.ids) return undefined;
  const { uid, gid } = account.ids;
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats && !mayEnter(stats, uid, gid)) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Throws when a folder on the way to `path` cannot be passed by the account, and says which one and what to do. */
export function requireReachable(path: string, account: Account, what: string): void {
  const folder = obstacle(path, account);
  if (folder !== undefined)
    throw new Error(
      `PostgreSQL runs as user '${account.name}', who cannot pass the folder ${folder} on the way to ${what} ${path}: ` +
        `permit it (chmod o+x ${folder}), or choose another place, or set run.user.`,
    );
}

function mayEnter(stats: Stats, uid: number, gid: number): boolean {
  if (stats.uid === uid) return (stats.mode & 0o100) !== 0;
  if (stats.gid === gid) return (stats.mode & 0o010) !== 0;
  return (stats.mode & 0o001) !== 0;
}
