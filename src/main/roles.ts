/**
 * main/roles - a role by its name. Each process loads the code of its own role only.
 */
import type { StartRole } from '../serve/role.ts';
import type { Settings } from './settings.ts';

export const startRole: StartRole = async (name, given, around) => {
  const settings = given as Settings;
  switch (name) {
    case 'receive':
      return (await import('./role-receive.ts')).startReceive(settings);
    case 'queue':
      return (await import('./role-queue.ts')).startQueue(settings);
    case 'access':
      return (await import('./role-access.ts')).startAccess(settings);
    case 'admin':
      return (await import('./role-admin.ts')).startAdmin(settings, around);
    default:
      throw new Error(`no role is called ${name}`);
  }
};
