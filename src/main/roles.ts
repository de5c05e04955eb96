/**
 * main/roles - a role by its name.
 */
import type { StartRole } from '../serve/role.ts';
import { startAccess } from './role-access.ts';
import { startAdmin } from './role-admin.ts';
import { startQueue } from './role-queue.ts';
import { startReceive } from './role-receive.ts';
import type { Settings } from './settings.ts';

export const startRole: StartRole = (name, given, around) => {
  const settings = given as Settings;
  switch (name) {
    case 'receive':
      return startReceive(settings);
    case 'queue':
      return startQueue(settings);
    case 'access':
      return startAccess(settings);
    case 'admin':
      return startAdmin(settings, around);
    default:
      throw new Error(`no role is called ${name}`);
  }
};
