/**
 * connectors/dns/cache - answers until their TTL has passed (RFC 1035 §3.2.1, RFC 2308), the least recently used
 * forgotten first where there are too many.
 */
export class TtlCache<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>();
  readonly #limit: number;
  readonly #now: () => number;

  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `ttl` in milliseconds; nothing is kept at 0. */
  set(key: string, value: Value, ttl: number): void {
    this.#entries.delete(key);
    if (ttl <= 0) return;
    this.#entries.set(key, { value, until: this.#now() + ttl });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#limit && oldest !== undefined) this.#entries.delete(oldest);
  }

  get size(): number {
    return this.#entries.size;
  }
}
