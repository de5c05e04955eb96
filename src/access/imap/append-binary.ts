/**
 * access/imap/append-binary - a message with NUL in it (RFC 3516 §4.4), as one without: parts in `binary` that hold NUL
 * are put into base64, and what they lie in is no longer `binary` either. All else stays octet by octet.
 *
 * The message has been staged as it came; it is read back part by part, never as a whole.
 */
import type { BodyId } from '../../mail/mailbox.ts';
import type { MessageStructure, Part, Span } from '../../mail/structure.ts';
import { readSpan } from './content.ts';
import { Refusal } from './refusal.ts';
import type { Session } from './session.ts';

/** Octets of base64 in a line (RFC 2045 §6.8), and of what it stands for. */
const lineLength = 76;
const lineOctets = 57;

/** In the order they lie. */
type Step =
  | { readonly how: 'as it is' | 'base64'; readonly span: Span }
  | { readonly how: 'header'; readonly span: Span; readonly encoding: 'base64' | '8bit' };

export async function* withoutNul(
  session: Session,
  body: BodyId,
  structure: MessageStructure,
): AsyncIterable<Uint8Array> {
  let at = 0;
  for (const step of stepsOf(structure.root)) {
    yield* asItIs(session, body, { start: at, end: step.span.start });
    at = step.span.end;
    if (step.how === 'header') yield recoded(await readSpan(session, body, step.span), step.encoding);
    else if (step.how === 'base64')
      yield* inBase64(session.deps.reading.content(body, session.signal, step.span));
  }
  yield* asItIs(session, body, { start: at, end: structure.size });
}

function* stepsOf(part: Part): IterableIterator<Step> {
  if (part.encoding.toLowerCase() === 'binary') {
    const isLeaf = part.kind === 'leaf';
    yield { how: 'header', span: part.header, encoding: isLeaf ? 'base64' : '8bit' };
    if (isLeaf) yield { how: 'base64', span: part.body };
  }
  if (part.kind === 'multipart') for (const one of part.parts) yield* stepsOf(one);
  else if (part.kind === 'message' && part.message !== undefined) yield* stepsOf(part.message.root);
}

/** NUL is nowhere but in parts that say so. */
async function* asItIs(session: Session, body: BodyId, span: Span): AsyncIterable<Uint8Array> {
  if (span.start >= span.end) return;
  for await (const chunk of session.deps.reading.content(body, session.signal, span)) {
    if (chunk.includes(0)) throw outside();
    yield chunk;
  }
}

const outside = (): Refusal =>
  new Refusal('NO', { text: 'NUL lies outside of a binary part', code: { code: 'UNKNOWN-CTE' } });

const field = /^content-transfer-encoding[ \t]*:.*\r?\n(?:[ \t].*\r?\n)*/gim;

/** The header with the encoding it has now. */
function recoded(header: Buffer, encoding: string): Buffer {
  if (header.includes(0)) throw outside();
  return Buffer.from(
    header.toString('latin1').replace(field, `Content-Transfer-Encoding: ${encoding}\r\n`),
    'latin1',
  );
}

async function* inBase64(content: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let left: Buffer = Buffer.alloc(0);
  for await (const chunk of content) {
    const octets = Buffer.concat([left, chunk]);
    const whole = octets.length - (octets.length % lineOctets);
    left = octets.subarray(whole);
    if (whole > 0) yield lines(octets.subarray(0, whole));
  }
  if (left.length > 0) yield lines(left);
}

const lines = (octets: Buffer): Buffer =>
  Buffer.from(octets.toString('base64').replace(new RegExp(`.{1,${lineLength}}`, 'g'), '$&\r\n'), 'latin1');
