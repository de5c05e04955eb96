/**
 * protocol/mime/base-subject - what a subject is about, without Re:, Fwd: and list tags.
 *
 * RFC 5256 §2.1, on a subject whose encoded words are decoded already. Letter case is
 * kept; whoever compares two base subjects folds it by the collation in force.
 *
 * Pure, and linear in the subject's length: only two bounds move, towards each other.
 */
export interface BaseSubject {
  readonly base: string;
  /** Something was removed that marks a reply or a forward. */
  readonly isReply: boolean;
}

const replyWord = /(?:re|fwd?) */iy;

export function baseSubject(decoded: string): BaseSubject {
  const text = decoded.replace(/[\t\r\n ]+/g, ' '); // step 1
  let start = 0;
  let end = text.length;
  let isReply = false;
  for (;;) {
    const trimmed = withoutTrailers(text, start, end); // step 2
    const led = withoutLeaders(text, start, trimmed.end); // steps 3 to 5
    isReply ||= trimmed.removed || led.removed;
    start = led.start;
    end = trimmed.end;
    // Step 6: "[fwd:" with its "]" is taken off, and all begins again.
    const isWrapped = end - start >= 6 && text[end - 1] === ']' && startsAt(text, '[fwd:', start);
    if (!isWrapped) return { base: text.slice(start, end), isReply };
    isReply = true;
    start += 5;
    end -= 1;
  }
}

const startsAt = (text: string, lower: string, at: number): boolean =>
  text.slice(at, at + lower.length).toLowerCase() === lower;

function withoutTrailers(text: string, start: number, from: number): { end: number; removed: boolean } {
  let end = from;
  let removed = false;
  for (;;) {
    if (end > start && text[end - 1] === ' ') end -= 1;
    else if (end - start >= 5 && startsAt(text, '(fwd)', end - 5)) {
      end -= 5;
      removed = true;
    } else return { end, removed };
  }
}

function withoutLeaders(text: string, from: number, end: number): { start: number; removed: boolean } {
  let start = from;
  let removed = false;
  for (;;) {
    while (start < end && text[start] === ' ') start += 1;
    let afterBlobs = start;
    // A blob goes only if something is left after it (step 4), so the last place with text is kept.
    let lastWithText = start;
    for (let next = afterBlob(text, start, end); next !== undefined; next = afterBlob(text, next, end)) {
      afterBlobs = next;
      if (next < end) lastWithText = next;
    }
    const afterMark = afterReplyMark(text, afterBlobs, end);
    if (afterMark === undefined) return { start: lastWithText, removed };
    removed = true;
    start = afterMark;
  }
}

/** subj-blob: brackets without brackets inside, and the space after them. */
function afterBlob(text: string, at: number, end: number): number | undefined {
  if (at >= end || text[at] !== '[') return undefined;
  let i = at + 1;
  while (i < end && text[i] !== ']' && text[i] !== '[') i += 1;
  if (i >= end || text[i] !== ']') return undefined;
  i += 1;
  while (i < end && text[i] === ' ') i += 1;
  return i;
}

/** subj-refwd: re, fw or fwd, perhaps a blob, and the colon. */
function afterReplyMark(text: string, at: number, end: number): number | undefined {
  replyWord.lastIndex = at;
  if (!replyWord.test(text)) return undefined;
  const afterWord = replyWord.lastIndex;
  const colon = afterBlob(text, afterWord, end) ?? afterWord;
  return colon < end && text[colon] === ':' ? colon + 1 : undefined;
}
