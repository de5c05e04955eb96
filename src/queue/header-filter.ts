/**
 * queue/header-filter - header fields taken out of a copy, every other octet left as it came.
 *
 * Works on the header section alone, in a stream: fields are cut at line starts, continuation lines go with their
 * field, and from the empty line on nothing is looked at. A line that is no field is passed on and does not end the
 * section: for some readers of mail it does not either, and what is to go must not get by behind it. Bounded: of a
 * field only its name is kept in memory, and the name is at most as long as a line may be.
 */

const cr = 0x0d;
const lf = 0x0a;
const colon = 0x3a;
const space = 0x20;
const tab = 0x09;
/** A longer "name" is no name (RFC 5322 §2.1.1). */
const longestName = 998;

/** Whether a field of this name, in lower case, is to go. `*` at the end stands for any rest. */
export function fieldMatcher(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (name) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

type State =
  | { readonly in: 'lineStart' } // nothing of the line seen; the last field, if any, may be continued
  | { readonly in: 'name'; readonly seen: number[] }
  | { readonly in: 'line' } // the rest of a line whose field is decided on
  | { readonly in: 'body' };

export class HeaderFilter {
  readonly #matches: (name: string) => boolean;
  #state: State = { in: 'lineStart' };
  #dropping = false;
  /** Octets taken out so far. */
  removed = 0;

  constructor(patterns: readonly string[]) {
    this.#matches = fieldMatcher(patterns);
  }

  get inBody(): boolean {
    return this.#state.in === 'body';
  }

  /** What is left of `chunk` (and of the name held back from the one before). */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    for (let at = 0; at < chunk.length && this.#state.in !== 'body'; ) {
      if (this.#state.in === 'line') {
        const end = chunk.indexOf(lf, at);
        at = end < 0 ? chunk.length : end + 1;
        yield* this.#pass(chunk.subarray(from, at));
        from = at;
        if (end >= 0) this.#state = { in: 'lineStart' };
        continue;
      }
      const octet = chunk[at] as number;
      if (this.#state.in === 'lineStart') {
        if (octet === space || octet === tab) this.#state = { in: 'line' };
        else this.#state = { in: 'name', seen: [] };
        continue;
      }
      at += 1;
      from = at;
      yield* this.#name(this.#state.seen, octet);
    }
    if (from < chunk.length) yield chunk.subarray(from);
  }

  /** What is still held back at the end of the message. */
  *end(): Generator<Uint8Array> {
    if (this.#state.in === 'name' && this.#state.seen.length > 0) yield Uint8Array.from(this.#state.seen);
    this.#state = { in: 'body' };
  }

  *#name(seen: number[], octet: number): Generator<Uint8Array> {
    seen.push(octet);
    if (octet === colon) {
      this.#dropping = this.#matches(
        String.fromCharCode(...seen.slice(0, -1))
          .trimEnd()
          .toLowerCase(),
      );
      this.#state = { in: 'line' };
      yield* this.#pass(Uint8Array.from(seen));
    } else if (octet === lf) {
      this.#dropping = false;
      const empty = seen.every((one) => one === cr || one === lf);
      this.#state = { in: empty ? 'body' : 'lineStart' };
      yield Uint8Array.from(seen);
    } else if (seen.length > longestName || (octet !== cr && octet !== tab && octet < space)) {
      this.#dropping = false;
      this.#state = { in: 'line' };
      yield Uint8Array.from(seen);
    }
  }

  *#pass(part: Uint8Array): Generator<Uint8Array> {
    if (part.length === 0) return;
    if (this.#dropping) this.removed += part.length;
    else yield part;
  }
}
