/**
 * What a hostile command costs: octets looked at and copied, counted, not timed. Four times as much of it may cost
 * four times as much and no more.
 */
import { expect, test } from 'vitest';
import { defaultLimits } from '../../../src/protocol/imap/request/limits.ts';
import { RequestReader } from '../../../src/protocol/imap/request/reader.ts';

const limits = { ...defaultLimits, command: 1e9, setElements: 1e9, listElements: 1e9, searchKeys: 1e9 };

/** Octets that the built-in functions went over while the reader took all of `text`, in pieces. */
function work(text: string, piece: number): number {
  const chunks: Buffer[] = [];
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; at += piece) chunks.push(octets.subarray(at, at + piece));
  const meter = new Meter();
  const one = new RequestReader({ utf8: false, limits });
  try {
    for (const chunk of chunks) {
      one.push(chunk);
      while (one.next() !== undefined);
    }
  } finally {
    meter.stop();
  }
  return meter.octets;
}

/** Counts in exec the string that is new to it, which is when it is made flat, and what was found in it. */
class Meter {
  octets = 0;
  readonly #restore: (() => void)[] = [];

  constructor() {
    const subjects = new Set<string>();
    this.#wrap(RegExp.prototype, 'exec', (found, [text]) => {
      const subject = String(text);
      const fresh = subjects.has(subject) ? 0 : subject.length;
      subjects.add(subject);
      return 1 + fresh + (found === null ? 0 : String((found as string[])[0]).length);
    });
    this.#wrap(String.prototype, 'slice', (result) => 1 + String(result).length);
    this.#wrap(Buffer.prototype, 'toString', (result) => 1 + String(result).length);
    this.#wrap(
      Buffer.prototype,
      'indexOf',
      (at, _, self) => 1 + (at === -1 ? (self as Buffer).length : Number(at)),
    );
  }

  stop(): void {
    for (const restore of this.#restore) restore();
  }

  #wrap(
    owner: object,
    name: string,
    cost: (result: unknown, given: readonly unknown[], self: unknown) => number,
  ): void {
    const original = Reflect.get(owner, name);
    const meter = this;
    const wrapped = function (this: unknown, ...given: unknown[]): unknown {
      const result = Reflect.apply(original, this, given);
      meter.octets += cost(result, given, this);
      return result;
    };
    Object.defineProperty(owner, name, { value: wrapped, configurable: true, writable: true });
    this.#restore.push(() => {
      Object.defineProperty(owner, name, { value: original, configurable: true, writable: true });
    });
  }
}

const repeated = (head: string, unit: string, tail: string) => (count: number) =>
  head + unit.repeat(count) + tail;

test.each([
  ['one long word', repeated('a LOGIN ', 'x', ' y\r\n')],
  ['a line without end', repeated('a LOGIN ', 'x', '')],
  ['a string full of quotes', repeated('a LOGIN "', '\\"', '" y\r\n')],
  ['a string without end', repeated('a LOGIN "', '\\"x', '\r\n')],
  ['many small literals', repeated('a FETCH 1 BODY[HEADER.FIELDS (x', ' {1+}\r\na', ')]\r\n')],
  ['many small literals in an APPEND', repeated('a APPEND x CATENATE (URL /', ' URL {1+}\r\na', ')\r\n')],
  ['many messages', repeated('a APPEND x', ' (\\Seen) {3+}\r\nabc', '\r\n')],
  ['many literals that are passed over', repeated('a FROB', ' {3+}\r\nabc', '\r\n')],
  ['a set of many numbers', repeated('a UID FETCH 1', ',5:7', ' FLAGS\r\n')],
  ['many keys', repeated('a SEARCH ALL', ' SEEN 1 FROM x', '\r\n')],
  ['a long chain of OR', repeated('a SEARCH', ' OR FROM x', ' SEEN ALL\r\n')],
  ['many flags', repeated('a STORE 1 FLAGS $x', ' $y', '\r\n')],
  ['many spaces', repeated('a STORE 1 FLAGS $x', ' ', 'y\r\n')],
  ['many empty lines', repeated('', '\r\n', '')],
  ['a name full of shifts', repeated('a SELECT "', '&AOQ-x', '"\r\n')],
])('%s', (_, text) => {
  for (const piece of [1, 61, 65_536]) {
    const small = work(text(1000), piece);
    const large = work(text(4000), piece);
    expect(large).toBeGreaterThan(small * 2);
    expect(large).toBeLessThan(small * 4.5);
  }
});
