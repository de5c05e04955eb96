import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printThreads } from '../../src/access/thread/print.ts';
import {
  type ThreadMessage,
  type ThreadNode,
  threadByOrderedSubject,
  threadByReferences,
  threadByRefs,
} from '../../src/access/thread/thread.ts';
import { baseSubject } from '../../src/protocol/mime/base-subject.ts';

const message = (
  id: number,
  references: string[] = [],
  more: Partial<ThreadMessage> = {},
): ThreadMessage => ({
  id,
  messageId: `m${id}`,
  references,
  baseSubject: `s${id}`,
  isReply: false,
  sentAt: id,
  ...more,
});

describe('the base subject', () => {
  it.each([
    ['', '', false],
    ['Hello', 'Hello', false],
    ['Re: Hello', 'Hello', true],
    ['RE [2] : FW: fwd:\tHello\r\n there  ', 'Hello there', true],
    ['[list] Re: [list] Hello', 'Hello', true],
    ['[list] Hello', 'Hello', false],
    ['[a][b]', '[b]', false],
    ['Hello (fwd) (FWD) ', 'Hello', true],
    ['[Fwd: Re: Hello (fwd)]', 'Hello', true],
    ['[fwd: [fwd: Hello]]', 'Hello', true],
    ['Re:', '', true],
    ['Regarding: x', 'Regarding: x', false],
    ['[open Re: x', '[open Re: x', false],
  ])('of %j is %j', (subject, base, isReply) => {
    expect(baseSubject(subject)).toEqual({ base, isReply });
  });
});

describe('REFERENCES', () => {
  const print = (...messages: ThreadMessage[]) => printThreads(threadByReferences(messages));

  it('prints the tree of RFC 5256 §4', () => {
    const order = [2, 3, 6, 4, 23, 44, 7, 96];
    const parents: Record<number, number> = { 6: 3, 4: 6, 23: 4, 44: 6, 7: 44, 96: 7 };
    const list = order.map((id, i) => message(id, parents[id] ? [`m${parents[id]}`] : [], { sentAt: i }));
    expect(print(...list)).toBe('(2)(3 6 (4 23)(44 7 96))');
  });
  it('keeps siblings together under a missing parent, and drops one that has one child', () => {
    expect(print(message(3, ['x']), message(5, ['x']))).toBe('((3)(5))');
    expect(print(message(3, ['x', 'y']))).toBe('(3)');
  });
  it('treats a second message with the same id as a stranger', () => {
    expect(print(message(1), message(2, [], { messageId: 'm1' }), message(3, ['m1']))).toBe('(1 3)(2)');
  });
  it('believes a message about its own parent, whatever others say and whoever comes first', () => {
    const list = [message(1), message(2), message(3, ['m2', 'm1'])];
    expect(print(...list)).toBe('(1 3)(2)');
    expect(print(...list.toReversed())).toBe('(1 3)(2)');
  });
  it('breaks loops', () => {
    expect(print(message(1, ['m2']), message(2, ['m1']), message(3, ['m3']))).toBe('(2 1)(3)');
  });
  it('gathers by subject: a reply under its original, two originals under a dummy', () => {
    const a = { baseSubject: 'a' };
    expect(print(message(1, [], { ...a, isReply: true }), message(2, [], a))).toBe('(2 1)');
    expect(print(message(1, [], a), message(2, [], a))).toBe('((1)(2))');
    expect(print(message(1, ['x'], a), message(2, ['x'], a), message(3, [], a))).toBe('((1)(2)(3))');
    expect(print(message(1, [], { baseSubject: '' }), message(2, [], { baseSubject: '' }))).toBe('(1)(2)');
  });
});

it('ORDEREDSUBJECT puts all later messages under the first', () => {
  const list = [5, 1, 3, 2].map((id) => message(id, [], { baseSubject: id === 2 ? 'b' : 'a' }));
  expect(printThreads(threadByOrderedSubject(list))).toBe('(1 (3)(5))(2)');
});

it('REFS puts the thread with the newest message last and does not gather by subject', () => {
  const list = [message(1), message(2, [], { baseSubject: 's1' }), message(3, ['m1'])];
  expect(printThreads(threadByRefs(list))).toBe('(2)(1 3)');
});

/** thread-data to nodes, for round trips. */
function parse(text: string): ThreadNode[] {
  interface Open {
    id: number | undefined;
    children: Open[];
  }
  const top: Open = { id: undefined, children: [] };
  const stack: { parent: Open; at: Open | undefined }[] = [{ parent: top, at: top }];
  for (const token of text.match(/[()]|\d+/g) ?? []) {
    const here = stack.at(-1)!;
    if (token === ')') stack.pop();
    else if (token === '(') {
      if (!here.at) {
        here.at = { id: undefined, children: [] };
        here.parent.children.push(here.at);
      }
      stack.push({ parent: here.at, at: undefined });
    } else {
      const node: Open = { id: Number(token), children: [] };
      (here.at ?? here.parent).children.push(node);
      here.at = node;
    }
  }
  return top.children;
}

describe('for any messages', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const any = fc
    .array(
      fc.record({
        messageId: fc.option(name, { nil: undefined }),
        references: fc.array(name, { maxLength: 4 }),
        baseSubject: fc.constantFrom('', 'x', 'y', 'z'),
        isReply: fc.boolean(),
        sentAt: fc.nat(5),
      }),
      { maxLength: 20 },
    )
    .map((list) => list.map((m, i): ThreadMessage => ({ ...m, id: i + 1 })));

  it.each([
    ['ORDEREDSUBJECT', threadByOrderedSubject],
    ['REFERENCES', threadByReferences],
    ['REFS', threadByRefs],
  ])('%s has each message once, siblings in order, and prints what can be read back', (which, thread) => {
    fc.assert(
      fc.property(any, (list) => {
        const threads = thread(list);
        const ids: number[] = [];
        const keyOf = (n: ThreadNode): number => {
          const id = n.id ?? n.children[0]!.id!;
          return list[id - 1]!.sentAt * 1000 + id;
        };
        const visit = (nodes: readonly ThreadNode[], isTop: boolean): void => {
          const keys = nodes.map(keyOf);
          if (!isTop || which !== 'REFS') expect(keys).toEqual(keys.toSorted((a, b) => a - b));
          for (const node of nodes) {
            if (node.id !== undefined) ids.push(node.id);
            else expect(isTop && node.children.length > 1).toBe(true);
            visit(node.children, false);
          }
        };
        visit(threads, true);
        expect(ids.sort((a, b) => a - b)).toEqual(list.map((m) => m.id));
        const text = printThreads(threads);
        expect(printThreads(parse(text))).toBe(text);
      }),
      { seed: 5256, numRuns: 1000 },
    );
  });

  it.each(['forward', 'backward'])('a chain of 100,000 given %s is one thread', (way) => {
    const list = Array.from({ length: 100_000 }, (_, i) => message(i + 1, i === 0 ? [] : [`m${i}`]));
    const ids = list.map((m) => m.id).join(' ');
    if (way === 'backward') list.reverse();
    expect(printThreads(threadByReferences(list)) === `(${ids})`).toBe(true);
    expect(printThreads(threadByRefs(list)) === `(${ids})`).toBe(true);
  });
});
