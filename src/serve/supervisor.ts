/**
 * serve/supervisor - one process a role, restarted when it dies.
 *
 *   waiting -> starting -> ready -> draining -> stopped
 *      ^----------+----------+   an unexpected exit: again, after a back-off
 *
 * The supervisor owns no socket and no fact; killing it makes the roles drain and end. Settings reach the roles
 * through the pipe, so that a role which has become an unprivileged user need not be able to read keys and passwords.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Log } from '../ports/log.ts';
import type { FromRole, RoleState, ToRole } from './messages.ts';

export interface RoleSpec {
  readonly name: string;
  readonly copies: number;
}

export interface SupervisorOptions {
  readonly roles: readonly RoleSpec[];
  /** The program and arguments of a role's process: `[script, ...arguments]`. */
  readonly command: (role: string) => readonly [string, ...string[]];
  readonly log: Log;
  /** How long roles may finish what is under way, milliseconds. */
  readonly graceMs: number;
  /** First and longest wait before a restart, milliseconds. */
  readonly backOff: { readonly first: number; readonly longest: number };
  /** A role must say `ready` within this, milliseconds, or it is killed and started again. */
  readonly readyWithin: number;
}

/** A role that says so often that it cannot start, and never was ready, will not by itself: start() gives up. */
const triesAtStart = 4;
/** After this long in good health the back-off starts from the beginning. */
const healthyAfter = 60_000;
/** Longest wait for a role to take new settings. */
const reloadWithin = 30_000;
/** Longest wait for a role's metrics. */
const metricsWithin = 2_000;

/** Something this machine or its configuration does not permit; said once, with the reason. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: Slot[];
  #settings: unknown;
  #stopping = false;
  #starting: PromiseWithResolvers<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = options.roles.flatMap(({ name, copies }) =>
      Array.from({ length: copies }, (_, copy) => new Slot(name, copy)),
    );
  }

  /**
   * Starts every role; resolves when all are ready for the first time, or stop() was called. Roles that die are
   * started again meanwhile. Rejects with CannotStart when one of them cannot start at all (a port that is taken).
   */
  async start(settings: unknown): Promise<void> {
    this.#settings = settings;
    this.#starting = Promise.withResolvers();
    for (const slot of this.#slots) this.#launch(slot);
    await this.#starting.promise;
  }

  /** Tells every role; answers what went wrong, by role. Roles that start later get the new settings anyway. */
  async reload(settings: unknown): Promise<readonly { readonly role: string; readonly trouble: string }[]> {
    this.#settings = settings;
    const ready = this.#slots.filter(({ state }) => state === 'ready');
    const troubles = await Promise.all(ready.map((slot) => this.#renew(slot)));
    return troubles.flatMap((trouble, index) => {
      const slot = ready[index];
      return trouble === undefined || slot === undefined ? [] : [{ role: slot.label, trouble }];
    });
  }

  /** Gives a ready role the newest settings; what went wrong, if something did. */
  async #renew(slot: Slot): Promise<string | undefined> {
    slot.settings = this.#settings;
    const answer = await slot.ask({ kind: 'reload', settings: this.#settings }, 'reloaded', reloadWithin);
    if (answer !== undefined) return answer.trouble;
    // One that is gone meanwhile starts with them.
    return slot.state === 'ready' ? 'it does not answer' : undefined;
  }

  states(): readonly RoleState[] {
    return this.#slots.map((slot) => slot.describe());
  }

  /** Asks all roles to drain, waits, kills what is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#starting?.resolve();
    const { graceMs, log } = this.#options;
    await Promise.all(
      this.#slots.map(async (slot) => {
        clearTimeout(slot.restartTimer);
        if (slot.child === undefined) return;
        slot.state = 'draining';
        slot.tell({ kind: 'drain', graceMs });
        if (await slot.ended(graceMs + 3_000)) return;
        log.warn({ role: slot.label }, 'role did not drain in time, killed');
        slot.child?.kill('SIGKILL');
        await slot.ended(5_000);
      }),
    );
  }

  #launch(slot: Slot): void {
    const { log, command, readyWithin } = this.#options;
    const [script, ...parameters] = command(slot.role);
    const child = fork(script, parameters, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    slot.began(child);
    log.info({ role: slot.role, copy: slot.copy, pid: child.pid }, 'role started');
    const slow = setTimeout(() => {
      log.error({ role: slot.label, seconds: readyWithin / 1000 }, 'role is not ready in time, killed');
      child.kill('SIGKILL');
    }, readyWithin);
    child.on('message', (message: FromRole) => {
      if (message.kind === 'ready') {
        clearTimeout(slow);
        this.#becameReady(slot, message.facts);
      } else if (message.kind === 'failed') this.#failed(slot, message.error);
      else if (message.kind === 'gather') void this.#gather(slot, message.id);
      else slot.answered(message);
    });
    child.on('error', (error) => log.error({ role: slot.label, error }, 'role process trouble'));
    child.once('exit', (code, signal) => {
      clearTimeout(slow);
      this.#exited(slot, code, signal);
    });
    slot.settings = this.#settings;
    slot.tell({ kind: 'start', settings: this.#settings });
  }

  #becameReady(slot: Slot, facts: Readonly<Record<string, unknown>>): void {
    slot.state = 'ready';
    slot.wasReady = true;
    this.#options.log.info({ role: slot.label, pid: slot.child?.pid, ...facts }, 'role ready');
    if (this.#slots.every((other) => other.state === 'ready')) {
      this.#starting?.resolve();
    }
    // There was a reload while it started.
    if (slot.settings !== this.#settings) void this.#catchUp(slot);
  }

  async #catchUp(slot: Slot): Promise<void> {
    const trouble = await this.#renew(slot);
    if (trouble !== undefined)
      this.#options.log.error({ role: slot.label, trouble }, 'role kept its old settings');
  }

  #failed(slot: Slot, error: Error): void {
    this.#options.log.error({ role: slot.label, error }, `role cannot start: ${error.message}`);
    slot.failedStarts += 1;
    if (slot.wasReady || slot.failedStarts < triesAtStart) return;
    this.#starting?.reject(new CannotStart(`${slot.label} cannot start: ${error.message}`));
  }

  #exited(slot: Slot, code: number | null, signal: NodeJS.Signals | null): void {
    const uptime = Date.now() - slot.startedAt;
    slot.gone();
    if (this.#stopping) {
      slot.state = 'stopped';
      return;
    }
    const { log, backOff } = this.#options;
    slot.failures = uptime > healthyAfter ? 0 : slot.failures + 1;
    const wait =
      slot.failures === 0 ? 0 : Math.min(backOff.first * 2 ** (slot.failures - 1), backOff.longest);
    slot.state = 'waiting';
    slot.restarts += 1;
    log.error(
      { role: slot.label, code, signal, againInMs: wait },
      'role ended unexpectedly, will be started again',
    );
    slot.restartTimer = setTimeout(() => this.#launch(slot), wait);
  }

  async #gather(asker: Slot, id: number): Promise<void> {
    const answers = await Promise.all(
      this.#slots.map((slot) => slot.ask({ kind: 'metrics', id: slot.nextId() }, 'metrics', metricsWithin)),
    );
    const values = answers.flatMap((answer) => (answer === undefined ? [] : [answer.value]));
    asker.tell({ kind: 'gathered', id, values, roles: this.states() });
  }
}

type Answer<Kind extends FromRole['kind']> = Extract<FromRole, { kind: Kind }>;

/** A place for one process of a role. */
class Slot {
  readonly role: string;
  readonly copy: number;
  child: ChildProcess | undefined;
  state: RoleState['state'] = 'starting';
  startedAt = 0;
  restarts = 0;
  failures = 0;
  wasReady = false;
  /** What it was told last. */
  settings: unknown;
  failedStarts = 0;
  restartTimer: NodeJS.Timeout | undefined;
  #id = 0;
  readonly #waiting = new Set<(message: FromRole | undefined) => void>();
  readonly #endings = new Set<() => void>();

  constructor(role: string, copy: number) {
    this.role = role;
    this.copy = copy;
  }

  get label(): string {
    return this.copy === 0 ? this.role : `${this.role}/${this.copy}`;
  }

  began(child: ChildProcess): void {
    this.child = child;
    this.state = 'starting';
    this.startedAt = Date.now();
  }

  gone(): void {
    this.child = undefined;
    for (const waiter of this.#waiting) waiter(undefined);
    for (const ending of this.#endings) ending();
    this.#endings.clear();
  }

  nextId(): number {
    this.#id += 1;
    return this.#id;
  }

  tell(message: ToRole): void {
    if (this.child?.connected) this.child.send(message, () => {});
  }

  answered(message: FromRole): void {
    for (const waiter of this.#waiting) waiter(message);
  }

  /** The role's answer of that kind, or undefined when it has none in time or is gone. */
  ask<Kind extends FromRole['kind']>(
    message: ToRole,
    kind: Kind,
    within: number,
  ): Promise<Answer<Kind> | undefined> {
    if (this.child === undefined || this.state !== 'ready') return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const done = (answer: Answer<Kind> | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        resolve(answer);
      };
      const waiter = (answer: FromRole | undefined) => {
        if (answer === undefined) done(undefined);
        else if (answer.kind === kind && !('id' in message && 'id' in answer && answer.id !== message.id)) {
          done(answer as Answer<Kind>);
        }
      };
      const timer = setTimeout(() => done(undefined), within);
      this.#waiting.add(waiter);
      this.tell(message);
    });
  }

  /** Whether the process ended within that time. */
  ended(within: number): Promise<boolean> {
    if (this.child === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), within);
      this.#endings.add(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  describe(): RoleState {
    const pid = this.child?.pid;
    return {
      role: this.role,
      copy: this.copy,
      state: this.state,
      restarts: this.restarts,
      ...(pid === undefined ? {} : { pid }),
    };
  }
}
