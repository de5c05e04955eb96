/**
 * peers/command - a program of somebody else's, run to its end in bounded time.
 *
 * Output is kept up to a bound; a program that outlives its time is killed with everything it started.
 */
import { spawn } from 'node:child_process';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Milliseconds; 60 s when not said. */
  readonly within?: number;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with every piece of output as it comes. */
  readonly progress?: (text: string) => void;
}

/** Octets kept of each output; the rest is read and dropped. */
const keep = 4 << 20;

/** Runs it and answers how it ended, whatever the exit code; rejects when it cannot be started or takes too long. */
export function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  const within = options.within ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < keep) output[name] += text;
        options.progress?.(text);
      });
    }
    const timer = setTimeout(() => {
      killGroup(child.pid);
      reject(new Error(`${program} did not end within ${within / 1000} s: ${output.stderr.slice(-500)}`));
    }, within);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`${program} could not be started: ${error.message}`, { cause: error }));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? (signal === null ? 1 : 128), ...output });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}

/** As command(), but anything other than exit code 0 is an error that shows what was said. */
export async function must(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  const ended = await command(program, args, options);
  if (ended.code === 0) return ended;
  const said = `${ended.stderr}\n${ended.stdout}`.trim().slice(-2_000);
  throw new Error(`${program} ${args.join(' ')} ended with ${ended.code}: ${said}`);
}

/** kill -9 of a whole process group; one that is gone already is fine. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Asks `ready` until it answers something, for at most `within` milliseconds. */
export async function until<T>(
  what: string,
  ready: () => Promise<T | undefined | false> | T | undefined | false,
  within = 30_000,
  every = 50,
): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ready();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited ${within / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
