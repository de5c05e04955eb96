/**
 * serve/systemd - tells systemd how we are (sd_notify(3)), when it asked to be told by NOTIFY_SOCKET.
 *
 * Node has no datagram sockets in the file system, so systemd's own `systemd-notify` carries the message; the unit
 * needs `NotifyAccess=all`. A failure is logged and changes nothing.
 */
import { execFile } from 'node:child_process';
import type { Log } from '../ports/log.ts';

export type Notice = 'READY=1' | 'STOPPING=1' | 'RELOADING=1' | `STATUS=${string}`;

export function notifySystemd(
  notices: readonly Notice[],
  log: Log,
  environment = process.env,
): Promise<void> {
  if (environment.NOTIFY_SOCKET === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    execFile(
      'systemd-notify',
      [`--pid=${process.pid}`, ...notices],
      { timeout: 5_000, env: environment },
      (error) => {
        if (error) log.warn({ error, notices }, 'systemd-notify failed');
        resolve();
      },
    );
  });
}
