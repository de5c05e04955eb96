/**
 * connectors/dns/resolv-conf - the system's name servers: the `nameserver` lines of resolv.conf(5).
 *
 * Search lists are not read: mail domains are whole names.
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

export interface Server {
  readonly ip: string;
  readonly port: number;
}

/** The servers of the file, at most three, as the C library takes them. Without any: the machine's own (resolv.conf(5)). */
export async function loadServers(path: string): Promise<readonly Server[]> {
  return parseResolvConf(await readFile(path, 'utf8'));
}

export function parseResolvConf(text: string): readonly Server[] {
  const servers: Server[] = [];
  for (const line of text.split('\n')) {
    const [, ip = ''] = /^\s*nameserver\s+([^\s;#]+)/.exec(line) ?? [];
    if (isIP(ip.replace(/%.*$/, '')) !== 0) servers.push({ ip, port: 53 });
  }
  return servers.length === 0 ? [{ ip: '127.0.0.1', port: 53 }] : servers.slice(0, 3);
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`; undefined where it is neither. */
export function parseServer(text: string): Server | undefined {
  if (isIP(text) !== 0) return { ip: text, port: 53 };
  const match = /^\[?([0-9A-Fa-f:.]+)\]?:(\d{1,5})$/.exec(text);
  const [, ip = '', port = ''] = match ?? [];
  if (isIP(ip) === 0 || Number(port) < 1 || Number(port) > 65535) return undefined;
  return { ip, port: Number(port) };
}
