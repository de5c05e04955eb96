/**
 * serve/privileges - root only as long as needed.
 *
 * A role that binds low ports starts as root, binds, and then becomes `user` for the rest of its life
 * (supplementary groups, group, user, in that order; there is no way back). Started by anyone else, nothing is done.
 */
import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Tried in this order when the configuration names nobody. */
const candidates = ['isthmus', 'postgres', 'nobody'] as const;

/**
 * The unprivileged user to run as when started by root; undefined when not root.
 * Throws when `wanted` is unknown or is root itself.
 */
export function chooseUser(wanted: string | undefined, passwd = '/etc/passwd'): SystemUser | undefined {
  if (!isRoot()) return undefined;
  const users = readUsers(passwd);
  const names = wanted === undefined ? candidates : [wanted];
  const found = names.map((name) => users.get(name)).find((user) => user !== undefined);
  if (found === undefined) {
    throw new Error(
      `run.user: no user called ${names.join(' or ')} on this system. Create one: useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin isthmus`,
    );
  }
  if (found.uid === 0) throw new Error('run.user: must not be root; name an unprivileged user');
  return found;
}

function readUsers(passwd: string): Map<string, SystemUser> {
  const lines = readFileSync(passwd, 'utf8').split('\n');
  return new Map(
    lines.flatMap((line): [string, SystemUser][] => {
      const [name, , uid, gid] = line.split(':');
      if (name === undefined || uid === undefined || gid === undefined) return [];
      return [[name, { name, uid: Number(uid), gid: Number(gid) }]];
    }),
  );
}

/** Becomes `user` for good. Does nothing when `user` is undefined. */
export function dropPrivileges(user: SystemUser | undefined): void {
  if (user === undefined || !isRoot()) return;
  process.setgroups?.([user.gid]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
  if (process.getuid?.() !== user.uid) throw new Error(`could not become ${user.name}`);
}
