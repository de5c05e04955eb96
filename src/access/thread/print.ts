/**
 * access/thread/print - the text after `* THREAD ` (RFC 5256 §4, thread-data).
 *
 * Pure; works from a stack of its own, so that depth costs memory and not the call stack.
 */
import type { ThreadNode } from './thread.ts';

export function printThreads(threads: readonly ThreadNode[]): string {
  const out: string[] = [];
  const open: (ThreadNode | undefined)[] = threads.toReversed();
  while (open.length > 0) {
    let node = open.pop();
    if (!node) {
      out.push(')');
      continue;
    }
    out.push('(');
    open.push(undefined);
    for (;;) {
      if (node.id !== undefined) out.push(String(node.id));
      const only: ThreadNode | undefined = node.children.length === 1 ? node.children[0] : undefined;
      if (node.id !== undefined && node.children.length > 0) out.push(' ');
      if (!only) break;
      node = only;
    }
    for (let i = node.children.length - 1; i >= 0; i -= 1) open.push(node.children[i]);
  }
  return out.join('');
}
