/**
 * queue/next-hops - how many deliveries go to one destination at once, and which destination is next.
 *
 *   new ---- first 'good' ----> proven, `start` places
 *             finished 'good'                       enough faults in a row
 *   up ---------------------------> up, wider   up -----------------------> down until T
 *   down --- T is over, one probe goes out --> up, narrow | down, for longer
 *
 * A destination begins with one place until its first good result in this process: what accepts connections and then
 * hangs takes one place of all, not many. Then it has `start` places, gains one for every round of good results and
 * has its places halved when it is at fault, as Postfix does. Places are given round robin over all destinations that
 * have something to do, so a slow one holds no more than its own.
 *
 * Lists are bounded: what does not fit goes back to the database. All that are not proven share a part of what may be
 * in hand; beyond it, each may still have one delivery.
 */

export interface Concurrency {
  /** Deliveries at once to one next hop: once it has taken one, and at most. */
  readonly start: number;
  readonly max: number;
  /** Deliveries at once in all. */
  readonly total: number;
  /** Milliseconds a destination that is down is left alone, first and at most; doubled each time. */
  readonly downFirst: number;
  readonly downMax: number;
}

export type Finish = 'good' | 'down' | 'neither';

export interface HopTask {
  readonly key: string;
  readonly recipients: number;
}

export interface NextHopsOptions<Task extends HopTask> {
  readonly concurrency: Concurrency;
  /** Recipients in delivery to one next hop, or waiting for it in memory, beyond which no more are taken. */
  readonly inHandLimit: number;
  /** The same for all next hops together that are not proven. */
  readonly unprovenLimit: number;
  readonly run: (task: Task) => Promise<Finish>;
  /** Waited for a destination that has just been found down. */
  readonly stall: (tasks: readonly Task[]) => void;
  /** It answers again after it was down. */
  readonly revived: (key: string) => void;
  readonly now: () => Date;
  readonly random: () => number;
}

interface Hop<Task> {
  readonly key: string;
  /** It has given a good result, and was not found down since. */
  proven: boolean;
  limit: number;
  running: number;
  readonly waiting: Task[];
  /** Recipients running and waiting. */
  inHand: number;
  faults: number;
  /** Times it was declared down in a row. */
  downs: number;
  downUntil: number;
  usedAt: number;
}

const faultsUntilDown = 3;
/** Part of the limit below which more is fetched. */
const roomy = 0.6;
const forgetAfter = 15 * 60_000;
const forgetFrom = 1_000;

export class NextHops<Task extends HopTask> {
  readonly #options: NextHopsOptions<Task>;
  readonly #hops = new Map<string, Hop<Task>>();
  /** Destinations with something waiting and a free place, in the order of their turns. */
  readonly #runnable = new Set<Hop<Task>>();
  #running = 0;
  /** Recipients in hand for next hops that are not proven. */
  #unproven = 0;
  #stopped = false;
  readonly #idle: (() => void)[] = [];

  constructor(options: NextHopsOptions<Task>) {
    this.#options = options;
  }

  /** taken: it will run. down: the destination is left alone now. full: no place in its list. */
  submit(task: Task): 'taken' | 'down' | 'full' {
    const hop = this.#hop(task.key);
    if (this.#isDown(hop)) return 'down';
    if (this.#isOver(hop, 1)) return 'full';
    hop.waiting.push(task);
    this.#hold(hop, task.recipients);
    this.#mark(hop);
    this.#pump();
    return 'taken';
  }

  /** Next hops whose list has little room: nothing more need be fetched for them. */
  full(): string[] {
    return [...this.#hops.keys()].filter((key) => this.isFull(key));
  }

  isFull(key: string): boolean {
    const hop = this.#hops.get(key);
    return hop !== undefined && this.#isOver(hop, roomy);
  }

  isUp(key: string): boolean {
    const hop = this.#hops.get(key);
    return hop === undefined || (!this.#isDown(hop) && hop.downs === 0);
  }

  /** An operator's wish: destinations that are down are tried at once. */
  tryAll(): void {
    for (const hop of this.#hops.values()) hop.downUntil = 0;
  }

  /** Starts nothing more, until `resume`; gives what was waiting. */
  stop(): Task[] {
    this.#stopped = true;
    return this.forgetWaiting();
  }

  resume(): void {
    this.#stopped = false;
    this.#pump();
  }

  pause(): void {
    this.#stopped = true;
  }

  forgetWaiting(): Task[] {
    this.#runnable.clear();
    return [...this.#hops.values()].flatMap((hop) => this.#drain(hop));
  }

  /** Resolves when nothing runs. Call stop() before. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #hop(key: string): Hop<Task> {
    const known = this.#hops.get(key);
    const usedAt = this.#options.now().getTime();
    if (known) {
      known.usedAt = usedAt;
      return known;
    }
    if (this.#hops.size >= forgetFrom) this.#forget(usedAt);
    const hop: Hop<Task> = {
      key,
      proven: false,
      limit: this.#options.concurrency.start,
      running: 0,
      waiting: [],
      inHand: 0,
      faults: 0,
      downs: 0,
      downUntil: 0,
      usedAt,
    };
    this.#hops.set(key, hop);
    return hop;
  }

  #forget(now: number): void {
    for (const hop of this.#hops.values()) {
      const idle = hop.running === 0 && hop.waiting.length === 0;
      if (idle && now - hop.usedAt > forgetAfter && now > hop.downUntil) this.#hops.delete(hop.key);
    }
  }

  /** Whether it has so large a part of what it may have in hand. */
  #isOver(hop: Hop<Task>, part: number): boolean {
    const { inHandLimit, unprovenLimit } = this.#options;
    if (hop.inHand >= inHandLimit * part) return true;
    return !hop.proven && hop.inHand > 0 && this.#unproven >= unprovenLimit * part;
  }

  #hold(hop: Hop<Task>, recipients: number): void {
    hop.inHand += recipients;
    if (!hop.proven) this.#unproven += recipients;
  }

  #prove(hop: Hop<Task>, proven: boolean): void {
    if (hop.proven === proven) return;
    hop.proven = proven;
    this.#unproven += proven ? -hop.inHand : hop.inHand;
  }

  #isDown(hop: Hop<Task>): boolean {
    return hop.downUntil > this.#options.now().getTime();
  }

  #mark(hop: Hop<Task>): void {
    const places = hop.proven ? Math.floor(hop.limit) : 1;
    if (hop.waiting.length > 0 && hop.running < places) this.#runnable.add(hop);
    else this.#runnable.delete(hop);
  }

  #pump(): void {
    while (!this.#stopped && this.#running < this.#options.concurrency.total) {
      const [hop] = this.#runnable;
      const task = hop?.waiting.shift();
      if (!hop || !task) return;
      hop.running += 1;
      this.#running += 1;
      this.#runnable.delete(hop);
      this.#mark(hop);
      void this.#run(hop, task);
    }
  }

  async #run(hop: Hop<Task>, task: Task): Promise<void> {
    let finish: Finish = 'neither';
    try {
      finish = await this.#options.run(task);
    } finally {
      hop.running -= 1;
      this.#hold(hop, -task.recipients);
      this.#running -= 1;
      this.#learn(hop, finish);
      this.#mark(hop);
      this.#pump();
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #learn(hop: Hop<Task>, finish: Finish): void {
    const { max, downFirst, downMax } = this.#options.concurrency;
    if (finish === 'good') {
      if (hop.proven) hop.limit = Math.min(max, hop.limit + 1 / hop.limit);
      this.#prove(hop, true);
      hop.faults = 0;
      if (hop.downs > 0) {
        hop.downs = 0;
        this.#options.revived(hop.key);
      }
    } else if (finish === 'down') {
      hop.limit = Math.max(1, Math.floor(hop.limit / 2));
      hop.faults += 1;
      // A probe that fails says enough.
      if ((hop.faults < faultsUntilDown && hop.downs === 0) || this.#isDown(hop)) return;
      const pause = Math.min(downMax, downFirst * 2 ** Math.min(hop.downs, 20));
      hop.downUntil = this.#options.now().getTime() + pause * (0.8 + 0.4 * this.#options.random());
      hop.downs += 1;
      hop.limit = 1;
      this.#prove(hop, false);
      const waiting = this.#drain(hop);
      if (waiting.length > 0) this.#options.stall(waiting);
    }
  }

  #drain(hop: Hop<Task>): Task[] {
    const tasks = hop.waiting.splice(0);
    for (const task of tasks) this.#hold(hop, -task.recipients);
    this.#runnable.delete(hop);
    return tasks;
  }
}
