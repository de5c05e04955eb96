/**
 * access/thread/thread - messages into threads: ORDEREDSUBJECT, REFERENCES (RFC 5256 §3)
 * and REFS (REFERENCES without gathering by subject, newest thread last).
 *
 * Each message appears once in the answer. Siblings stand by date sent, then in the order
 * given. A node without an id is a dummy: its message is missing; it occurs only at the top.
 *
 * Pure. n log n, and nothing recurses: a chain may be as long as the mailbox.
 */
import { linkByReferences, longAgo, type Node, newDummy } from './link.ts';

export interface ThreadMessage {
  /** UID or sequence number. */
  readonly id: number;
  readonly messageId?: string | undefined;
  /** References, or In-Reply-To's first id where there are none; oldest first. */
  readonly references: readonly string[];
  readonly baseSubject: string;
  readonly isReply: boolean;
  /** Milliseconds. */
  readonly sentAt: number;
}

export interface ThreadNode {
  readonly id: number | undefined;
  readonly children: readonly ThreadNode[];
}

export function threadByOrderedSubject(messages: Iterable<ThreadMessage>): ThreadNode[] {
  const threads = new Map<string, { id: number; children: ThreadNode[] }>();
  // Sorted by date first, a subject is met first at its oldest message: threads come in order.
  for (const message of [...messages].sort((a, b) => a.sentAt - b.sentAt)) {
    const node = { id: message.id, children: [] };
    const thread = threads.get(message.baseSubject);
    if (thread) thread.children.push(node);
    else threads.set(message.baseSubject, node);
  }
  return [...threads.values()];
}

export function threadByReferences(messages: Iterable<ThreadMessage>): ThreadNode[] {
  const roots = prune(linkByReferences(messages)); // steps 1 to 3
  sortAll(roots); // step 4
  const gathered = gatherBySubject(roots); // step 5
  sortAll(gathered); // step 6
  return gathered;
}

export function threadByRefs(messages: Iterable<ThreadMessage>): ThreadNode[] {
  const roots = prune(linkByReferences(messages));
  sortAll(roots);
  const newest = new Map(roots.map((root) => [root, newestIn(root)]));
  return roots.sort((a, b) => newest.get(a)! - newest.get(b)!);
}

/** Every node of the trees, parents before children. */
function parentsFirst(roots: readonly Node[]): Node[] {
  const all = [...roots];
  for (let i = 0; i < all.length; i += 1) for (const child of all[i]!.children) all.push(child);
  return all;
}

/** Step 3: a dummy gives way to its children, but at the top only to an only child. */
function prune(roots: readonly Node[]): Node[] {
  const all = parentsFirst(roots);
  for (const node of all.reverse()) node.children = spliced(node.children);
  return roots.flatMap((root) => (root.message || root.children.length > 1 ? [root] : root.children));
}

function spliced(children: Node[]): Node[] {
  // A long chain of dummies hands one list up, rather than a copy at each step.
  const only = children.length === 1 ? children[0] : undefined;
  if (only) return only.message ? children : only.children;
  const kept: Node[] = [];
  for (const child of children) {
    if (child.message) kept.push(child);
    else for (const grandchild of child.children) kept.push(grandchild);
  }
  return kept;
}

/** Steps 4 and 6: deepest first, because a dummy has the date of its first child. */
function sortAll(roots: Node[]): void {
  for (const node of parentsFirst(roots).reverse()) {
    node.children.sort(byDate);
    const first = node.children[0];
    if (node.message || !first) continue;
    node.sentAt = first.sentAt;
    node.order = first.order;
  }
  roots.sort(byDate);
}

const byDate = (a: Node, b: Node): number => a.sentAt - b.sentAt || a.order - b.order;

function newestIn(root: Node): number {
  return parentsFirst([root]).reduce((newest, n) => Math.max(newest, n.message?.sentAt ?? newest), longAgo);
}

const subjectOf = (root: Node): string => (root.message ?? root.children[0]?.message)?.baseSubject ?? '';

/** Step 5: threads with the same base subject become one. */
function gatherBySubject(roots: readonly Node[]): Node[] {
  const subjects = new Map(roots.map((root) => [root, subjectOf(root)]));
  const table = new Map<string, Node>();
  for (const root of roots) {
    const subject = subjects.get(root)!;
    if (subject === '') continue;
    const known = table.get(subject);
    if (!known || isBetterHead(root, known)) table.set(subject, root);
  }
  const top = new Set(roots);
  for (const root of roots) {
    const known = table.get(subjects.get(root)!);
    if (!known || known === root) continue;
    top.delete(root);
    if (!known.message) {
      if (root.message) known.children.push(root);
      else for (const child of root.children) known.children.push(child);
    } else if (root.message?.isReply && !known.message.isReply) known.children.push(root);
    else {
      const dummy = newDummy();
      dummy.children.push(known, root);
      top.delete(known);
      top.add(dummy);
      table.set(subjects.get(root)!, dummy);
    }
  }
  return [...top];
}

/** Step 5.B: a dummy heads a subject rather than a message, an original rather than a reply. */
const isBetterHead = (root: Node, known: Node): boolean =>
  known.message !== undefined && (!root.message || (known.message.isReply && !root.message.isReply));
