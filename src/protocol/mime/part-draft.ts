/**
 * protocol/mime/part-draft - a part while the scanner is at it, and the finished value made of it.
 */
import type { ContentFields, EmbeddedMessage, HeaderSummary, Part, PartPlace } from '../../mail/structure.ts';

export interface Draft {
  /** The header is that of a message, not only of a part. */
  readonly isMessage: boolean;
  readonly inDigest: boolean;
  readonly headerStart: number;
  readonly children: Draft[];
  kind: Part['kind'];
  /** What delimits the parts within, while they may still come. */
  boundary: Buffer | undefined;
  content: ContentFields | undefined;
  summary: HeaderSummary | undefined;
  bodyStart: number;
  bodyStartLines: number;
  bodyEnd: number;
  lines: number;
}

const draft = (isMessage: boolean, inDigest: boolean, headerStart: number, lines: number): Draft => ({
  isMessage,
  inDigest,
  headerStart,
  children: [],
  kind: 'leaf',
  boundary: undefined,
  content: undefined,
  summary: undefined,
  bodyStart: headerStart,
  bodyStartLines: lines,
  bodyEnd: headerStart,
  lines: 0,
});

export const newRoot = (): Draft => draft(true, false, 0, 0);

/** A part in `parent`: one of a multipart's, or the message in a message part. */
export function newDraft(parent: Draft, headerStart: number, lines: number): Draft {
  const inDigest = parent.kind === 'multipart' && parent.content?.subtype.toLowerCase() === 'digest';
  const child = draft(parent.kind === 'message', inDigest, headerStart, lines);
  parent.children.push(child);
  return child;
}

export const finished = (root: Draft): EmbeddedMessage => ({
  summary: root.summary ?? {},
  root: finishedPart(root),
});

function finishedPart(part: Draft): Part {
  const place: PartPlace = {
    header: { start: part.headerStart, end: part.bodyStart },
    body: { start: part.bodyStart, end: part.bodyEnd },
    lines: part.lines,
  };
  const common = { ...place, ...(part.content as ContentFields) };
  if (part.kind === 'multipart')
    return { kind: 'multipart', ...common, parts: part.children.map(finishedPart) };
  if (part.kind === 'leaf') return { kind: 'leaf', ...common };
  const [message] = part.children;
  return message === undefined
    ? { kind: 'message', ...common }
    : { kind: 'message', ...common, message: finished(message) };
}
