/**
 * serve/slot - the supervisor's place for one process of a role: what it knows of it, and its questions to it.
 */
import type { ChildProcess } from 'node:child_process';
import type { FromRole, RoleState, ToRole } from './messages.ts';

type Answer<Kind extends FromRole['kind']> = Extract<FromRole, { kind: Kind }>;

export class Slot {
  readonly role: string;
  readonly copy: number;
  child: ChildProcess | undefined;
  state: RoleState['state'] = 'starting';
  startedAt = 0;
  restarts = 0;
  failures = 0;
  wasReady = false;
  /** What it runs with, or is to be started with. */
  settings: unknown;
  /** What it did not take, though the others did. */
  refused: unknown;
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
