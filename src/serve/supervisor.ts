/**
 * serve/supervisor - one process a role, restarted when it dies.
 *
 *   waiting -> starting -> ready -> draining -> stopped
 *      ^----------+----------+   an unexpected exit: again, after a back-off
 *
 * The supervisor owns no socket and no fact; killing it makes the roles drain and end. Settings reach the roles
 * through the pipe, so that a role which has become an unprivileged user need not be able to read keys and passwords.
 * New settings are everybody's or nobody's: where a role refuses them, all go on with the old ones, and a role that is
 * started later gets those too.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Log } from '../ports/log.ts';
import type { FromRole, RoleState } from './messages.ts';
import { Slot } from './slot.ts';

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

export interface Refusal {
  readonly role: string;
  readonly trouble: string;
}

/** Something this machine or its configuration does not permit; said once, with the reason. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: Slot[];
  /** What all roles have taken. */
  #settings: unknown;
  #turn: Promise<unknown> = Promise.resolve();
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

  /**
   * Gives the settings to every role that runs; answers which ones did not take them, and why: then all are given
   * back the old ones. Else they are also those of roles that start later.
   */
  reload(settings: unknown): Promise<readonly Refusal[]> {
    return this.#inTurn(async () => {
      /** The process that was asked, for each place. */
      const asked = new Map<Slot, ChildProcess | undefined>();
      const stillThere = () =>
        [...asked].filter(([slot, child]) => slot.child === child).map(([slot]) => slot);
      for (;;) {
        // Some may have become ready meanwhile, with the old settings.
        const open = this.#slots.filter((slot) => slot.state === 'ready' && asked.get(slot) !== slot.child);
        if (open.length === 0) break;
        for (const slot of open) asked.set(slot, slot.child);
        const refusals = (await Promise.all(open.map((slot) => ask(slot, settings)))).flat();
        if (refusals.length === 0) continue;
        await this.#giveBack(stillThere());
        return refusals;
      }
      this.#settings = settings;
      for (const slot of stillThere()) slot.settings = settings;
      return [];
    });
  }

  /** One change of settings after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Also to those that refused: they may have taken a part of the new ones. */
  async #giveBack(slots: readonly Slot[]): Promise<void> {
    const { log } = this.#options;
    const lost = (await Promise.all(slots.map((slot) => ask(slot, slot.settings)))).flat();
    log.warn(
      { roles: slots.map(({ label }) => label) },
      'new settings were refused, roles were given back the old ones',
    );
    for (const facts of lost)
      log.error(facts, 'role did not take back its old settings, the node needs a restart');
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
    if (slot.refused !== this.#settings) slot.settings = this.#settings;
    slot.tell({ kind: 'start', settings: slot.settings });
  }

  #becameReady(slot: Slot, facts: Readonly<Record<string, unknown>>): void {
    slot.state = 'ready';
    slot.wasReady = true;
    this.#options.log.info({ role: slot.label, pid: slot.child?.pid, ...facts }, 'role ready');
    if (this.#slots.every((other) => other.state === 'ready')) {
      this.#starting?.resolve();
    }
    // There was a reload while it started.
    if (slot.settings !== this.#settings) void this.#inTurn(() => this.#catchUp(slot));
  }

  /** One that refuses goes on with what it has, and would start again with that: the others run with the new ones. */
  async #catchUp(slot: Slot): Promise<void> {
    const settings = this.#settings;
    if (slot.state !== 'ready' || slot.settings === settings || slot.refused === settings) return;
    const [refusal] = await ask(slot, settings);
    if (refusal === undefined) {
      slot.settings = settings;
      return;
    }
    // It is gone, and starts with them.
    if (slot.state !== 'ready') return;
    slot.refused = settings;
    this.#options.log.error(refusal, 'role kept its old settings');
    await this.#giveBack([slot]);
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

/** Asks a ready role to take these settings; its refusal, or none. */
async function ask(slot: Slot, settings: unknown): Promise<readonly Refusal[]> {
  const role = slot.label;
  const answer = await slot.ask({ kind: 'reload', id: slot.nextId(), settings }, 'reloaded', reloadWithin);
  if (answer?.trouble !== undefined) return [{ role, trouble: answer.trouble }];
  if (answer !== undefined) return [];
  return [{ role, trouble: slot.state === 'ready' ? 'it does not answer' : 'it ended meanwhile' }];
}
