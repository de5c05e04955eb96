/**
 * scenario/outage-notify - the end of NOTIFY_SOCKET that systemd holds (sd_notify(3)), by a few lines of Python: Node
 * has no datagram sockets in the file system.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../peers/command.ts';

const program = `
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print('listening', flush=True)
while True:
    print(listener.recv(65536).decode().replace('\\n', ' '), flush=True)
`;

export interface NotifyListener {
  readonly path: string;
  /** Datagrams in the order in which they came, lines joined by a blank. */
  readonly heard: readonly string[];
  close(): void;
}

/** Also good where there is no Python: then nothing is heard. */
export async function listenForNotices(folder: string, python: string | undefined): Promise<NotifyListener> {
  const path = join(folder, 'notify');
  const heard: string[] = [];
  if (python === undefined) return { path, heard, close: () => {} };
  const child = spawn(python, ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    heard.push(...lines);
  });
  await until('the listener for notices', () => heard.shift() === 'listening', 20_000);
  return { path, heard, close: () => void child.kill('SIGKILL') };
}
