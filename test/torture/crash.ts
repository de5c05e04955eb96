/**
 * torture/crash - kill -9 at random instants under load, and then every promise is looked up.
 *
 * Victims are drawn by a seeded generator from all processes of the system, its database included, kind first, so that
 * a kind of which there are many is not all that is killed. When the whole system is down it is started again. At the
 * end load stops, the queue drains, and the books are balanced.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { System, Victim } from '../fixture/system.ts';
import { type Capture, startCapture } from '../peers/capture.ts';
import { until } from '../peers/command.ts';
import { type Account, balance, type Came, type CloseTo, type Kill } from './ledger.ts';
import { type Load, startLoad } from './load.ts';

export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  /** Mean time between kills, milliseconds; each is drawn between a tenth and twice of it. */
  readonly every: number;
  readonly rate: number;
  readonly sessions: number;
  /** Starts what is tried, with mail for `one.test` and `two.test` going to these ports. */
  readonly start: (ports: { readonly one: number; readonly two: number }) => Promise<System>;
  readonly closeTo: CloseTo;
  /** Longest wait for the queue to be empty at the end, milliseconds. */
  readonly drainWithin: number;
  readonly progress: (text: string) => void;
}

export interface CrashResult {
  readonly account: Account;
  readonly kills: readonly Kill[];
  /** Messages still queued when waiting ended, or why that could not be told: anything but 0 is a failure. */
  readonly left: number | string;
  readonly restarts: number;
  readonly seconds: number;
  /** The end of the system's log. */
  readonly log: string;
}

export async function crash(options: CrashOptions): Promise<CrashResult> {
  const began = Date.now();
  const captures = [
    await startCapture({ keepContent: false }),
    await startCapture({ keepContent: false }),
  ] as const;
  const system = await options.start({ one: captures[0].port, two: captures[1].port });
  const load = startLoad({
    port: system.port,
    sessions: options.sessions,
    rate: options.rate,
    domains: ['one.test', 'two.test'],
    mixedEvery: 3,
    label: `s${options.seed}`,
  });
  try {
    const { kills, restarts } = await killMany(system, load, options);
    await load.stop();
    if (!system.alive()) await system.start();
    const left = await drain(system, options);
    // A last copy may be under way: the peer has answered, the queue not yet settled.
    await pause(500);
    const account = balance({
      attempted: load.attempted,
      promised: load.promised,
      came: captures.flatMap(cameAt),
      kills,
      closeTo: options.closeTo,
    });
    const seconds = (Date.now() - began) / 1_000;
    return { account, kills, left, restarts, seconds, log: await system.log() };
  } finally {
    await load.stop();
    await system.remove();
    await Promise.all(captures.map((capture) => capture.close()));
  }
}

/** `<r1@one.test> NOTIFY=…` at RCPT: one entry for each recipient. */
const cameAt = (capture: Capture): Came[] =>
  capture.taken.flatMap(({ messageId, rcpt, at }) =>
    rcpt.map((one) => ({ messageId: messageId ?? '', recipient: /^<([^>]*)>/.exec(one)?.[1] ?? one, at })),
  );

async function killMany(
  system: System,
  load: Load,
  options: CrashOptions,
): Promise<{ kills: readonly Kill[]; restarts: number }> {
  const random = generator(options.seed);
  const kills: Kill[] = [];
  let restarts = 0;
  let promisedBefore = 0;
  while (kills.length < options.kills) {
    await pause(options.every * (0.1 + 1.9 * random()));
    if (!system.alive()) {
      await system.start();
      restarts += 1;
    }
    // Kills of a system that takes no mail prove nothing: wait for promises since the last one.
    if (load.promised.length === promisedBefore) {
      const more = () => load.promised.length > promisedBefore || !system.alive();
      await until('the system to take mail again after a kill', more, 60_000);
      if (!system.alive()) continue;
    }
    promisedBefore = load.promised.length;
    const victims = await system.victims();
    const victim = choose(victims, random);
    if (victim === undefined || !killed(victim)) continue;
    const at = Date.now();
    await ended(whoDies(victim, victims));
    kills.push({ at, until: Date.now(), kind: victim.kind, pid: victim.pid });
    if (kills.length % 10 === 0) {
      options.progress(`${kills.length} of ${options.kills} kills, ${load.promised.length} promises\n`);
    }
  }
  return { kills, restarts };
}

function choose(victims: readonly Victim[], random: () => number): Victim | undefined {
  const kinds = [...Map.groupBy(victims, ({ kind }) => kind).entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const [, all = []] = kinds[Math.floor(random() * kinds.length)] ?? [];
  return all[Math.floor(random() * all.length)];
}

/** All backends die with the postmaster, and it ends all of them when one is killed: till then some may still work. */
const whoDies = (victim: Victim, all: readonly Victim[]): readonly Victim[] =>
  victim.kind.startsWith('database')
    ? [victim, ...all.filter(({ kind }) => kind === 'database backend')]
    : [victim];

/** Waits for their end, a second at most. */
async function ended(victims: readonly Victim[]): Promise<void> {
  const end = Date.now() + 1_000;
  while (Date.now() < end && victims.some(({ pid }) => isAlive(pid))) await pause(2);
}

/** proc(5): a zombie has ended. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}

function killed({ pid }: Victim): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

async function drain(system: System, options: CrashOptions): Promise<number | string> {
  let left: number | string = 'never asked';
  const empty = async () => {
    if (!system.alive()) await system.start();
    left = await system.queued().catch((error: Error) => error.message);
    return left === 0;
  };
  await until('an empty queue', empty, options.drainWithin, 500).catch(() => {});
  return left;
}

/** Mulberry32: small, seeded, good enough to choose victims. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
