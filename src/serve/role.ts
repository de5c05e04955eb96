/**
 * serve/role - the life of one role, in a process of its own or beside the others (`--single`).
 */
import type { FromRole, RoleState, ToRole } from './messages.ts';

/** A role that runs. Made by main.ts, which alone knows the rooms. */
export interface Role {
  /** Said in the log when it is ready: listeners' addresses and the like. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Takes new settings live. Throws when it cannot; then the old ones are given to it again, as it may have taken some. */
  reload(settings: unknown): Promise<void>;
  /** Takes nothing new, finishes what is under way until `signal` aborts, closes everything. */
  drain(signal: AbortSignal): Promise<void>;
  /** Counters, as values that can be sent between processes. */
  metrics(): Promise<unknown>;
}

/** What a role may ask of those around it. */
export interface Surroundings {
  /** Everyone's metrics, and how everyone is. */
  gather(): Promise<{ readonly values: readonly unknown[]; readonly roles: readonly RoleState[] }>;
}

export type StartRole = (name: string, settings: unknown, around: Surroundings) => Promise<Role>;

/** Longest wait for an answer of the supervisor, milliseconds. */
const answerWithin = 5_000;

/**
 * Runs one role in this process under a supervisor: waits for `start`, serves, ends with `drain`.
 * When the supervisor goes away, the role drains too: nobody would restart it, and two must never share a slot.
 */
export async function runUnderSupervisor(name: string, start: StartRole): Promise<void> {
  const waiting = new Map<number, (answer: Extract<ToRole, { kind: 'gathered' }>) => void>();
  const around: Surroundings = { gather: () => gather(waiting) };
  let role: Role | undefined;
  let ending = false;
  /** One after the other, so that the last settings said are those in force. */
  let reloading = Promise.resolve();

  const end = async (graceMs: number) => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), graceMs + 2_000).unref();
    await role?.drain(AbortSignal.timeout(graceMs));
    process.exit(0);
  };

  // A terminal's Ctrl-C reaches everybody; the supervisor tells us when and how long.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => void end(10_000));
  process.on('SIGHUP', () => {});
  process.on('disconnect', () => void end(10_000));

  process.on('message', (message: ToRole) => {
    switch (message.kind) {
      case 'start':
        start(name, message.settings, around).then(
          (started) => {
            role = started;
            tell({ kind: 'ready', facts: started.facts });
          },
          // The supervisor writes it down: standard error is nobody's log.
          (error: Error) => tell({ kind: 'failed', error }, () => process.exit(1)),
        );
        break;
      case 'reload':
        reloading = reloading.then(() => answerReload(role, message));
        break;
      case 'drain':
        void end(message.graceMs);
        break;
      case 'metrics':
        role?.metrics().then((value) => tell({ kind: 'metrics', id: message.id, value }), ignore);
        break;
      case 'gathered':
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
        break;
    }
  });
}

async function answerReload(
  role: Role | undefined,
  { id, settings }: Extract<ToRole, { kind: 'reload' }>,
): Promise<void> {
  try {
    await role?.reload(settings);
    tell({ kind: 'reloaded', id });
  } catch (error) {
    tell({ kind: 'reloaded', id, trouble: (error as Error).message });
  }
}

const ignore = (): void => {};

/** The supervisor may be gone: then `disconnect` is on its way, and nothing need be said. */
const tell = (message: FromRole, then = ignore): void => {
  if (process.connected) process.send?.(message, undefined, undefined, then);
  else then();
};

let lastId = 0;

async function gather(
  waiting: Map<number, (answer: Extract<ToRole, { kind: 'gathered' }>) => void>,
): Promise<{ values: readonly unknown[]; roles: readonly RoleState[] }> {
  const id = ++lastId;
  const { promise, resolve, reject } = Promise.withResolvers<Extract<ToRole, { kind: 'gathered' }>>();
  const timer = setTimeout(() => {
    waiting.delete(id);
    reject(new Error('the supervisor did not answer'));
  }, answerWithin);
  waiting.set(id, resolve);
  tell({ kind: 'gather', id });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
