/**
 * queue/budget - how many recipients, and octets of their messages, one worker has in hand.
 */

export interface BudgetLimits {
  readonly recipients: number;
  /** Octets. */
  readonly memory: number;
}

/** A message in memory, until the last of its recipients is settled. */
export interface Load {
  recipients: number;
  readonly bytes: number;
}

export class Budget {
  readonly #limits: BudgetLimits;
  #recipients = 0;
  #bytes = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  get recipients(): number {
    return this.#recipients;
  }

  /** Recipients that may be taken now. */
  get room(): number {
    return this.#bytes >= this.#limits.memory ? 0 : Math.max(0, this.#limits.recipients - this.#recipients);
  }

  /** Whether so much is free that fetching more is worth a query. */
  get isRoomy(): boolean {
    return this.room >= this.#limits.recipients / 4;
  }

  /** What comes from the near spool may fill three quarters: the rest is for what waits in the database. */
  fits(recipients: number, bytes: number): boolean {
    const { recipients: most, memory } = this.#limits;
    return this.#recipients + recipients <= most * 0.75 && this.#bytes + bytes <= memory * 0.75;
  }

  take(recipients: number, bytes: number): Load {
    this.#recipients += recipients;
    this.#bytes += bytes;
    return { recipients, bytes };
  }

  /** More recipients of a message that is in memory already. */
  extend(load: Load, recipients: number): void {
    load.recipients += recipients;
    this.#recipients += recipients;
  }

  /** One recipient is settled. */
  release(load: Load): void {
    load.recipients -= 1;
    this.#recipients -= 1;
    if (load.recipients === 0) this.#bytes -= load.bytes;
  }

  /** All that is left of it. */
  drop(load: Load): void {
    this.#recipients -= load.recipients;
    this.#bytes -= load.bytes;
    load.recipients = 0;
  }
}
