/**
 * access/thread/link - who answers whom, by message ids (RFC 5256 §3, REFERENCES, step 1).
 *
 * The RFC links references first and then cuts a message off to give it its own parent. Here
 * messages get their parents first and only missing ones are linked by what others
 * say, so that no link is ever cut, and a loop is found without walking up the chain.
 * What a message says of itself counts. The RFC's tree can be another one where references
 * form a loop, and where a message that names no parent comes before another that names
 * one for it.
 */
import type { ThreadMessage } from './thread.ts';

export interface Node {
  /** None: a dummy, the message is missing. */
  readonly message: ThreadMessage | undefined;
  readonly id: number | undefined;
  children: Node[];
  sentAt: number;
  order: number;
  hasParent: boolean;
  /** Some node further up, or itself at the top; shortened when followed. */
  above: Node | undefined;
}

/** Older than every date. */
export const longAgo = Number.NEGATIVE_INFINITY;

export const newDummy = (): Node => newNode(undefined, 0);

function newNode(message: ThreadMessage | undefined, order: number): Node {
  const sentAt = message?.sentAt ?? longAgo;
  return { message, id: message?.id, children: [], sentAt, order, hasParent: false, above: undefined };
}

/** The nodes without a parent, dummies included. */
export function linkByReferences(messages: Iterable<ThreadMessage>): Node[] {
  const all: Node[] = [];
  const byId = new Map<string, Node>();
  for (const message of messages) {
    const node = newNode(message, all.length);
    all.push(node);
    // Of messages with the same id the first has it; the others are strangers to everyone's references.
    if (message.messageId && !byId.has(message.messageId)) byId.set(message.messageId, node);
  }
  const present = all.slice();
  const nodeOf = (id: string): Node => {
    const known = byId.get(id);
    if (known) return known;
    const dummy = newNode(undefined, all.length);
    byId.set(id, dummy);
    all.push(dummy);
    return dummy;
  };
  for (const node of present) {
    const last = node.message?.references.at(-1);
    if (last !== undefined) link(nodeOf(last), node); // step 1.B
  }
  for (const node of present) linkMissing(node.message?.references ?? [], nodeOf); // step 1.A
  return all.filter((node) => !node.hasParent);
}

function linkMissing(references: readonly string[], nodeOf: (id: string) => Node): void {
  let parent: Node | undefined;
  for (const id of references) {
    const node = nodeOf(id);
    if (parent && !node.message && !node.hasParent) link(parent, node);
    parent = node;
  }
}

/** The child is at the top of its tree, so there is a loop only if the parent is in that tree. */
function link(parent: Node, child: Node): void {
  if (topOf(parent) === child) return;
  parent.children.push(child);
  child.hasParent = true;
  child.above = parent;
}

function topOf(node: Node): Node {
  let top = node;
  while (top.above) top = top.above;
  for (let at = node; at.above; ) {
    const next: Node = at.above;
    at.above = top;
    at = next;
  }
  return top;
}
