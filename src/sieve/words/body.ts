/**
 * sieve/words/body - the body test (RFC 5173).
 */
import { decodeOctets } from '../../protocol/sieve/octets.ts';
import type { Definition } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import { htmlToText } from '../message/html.ts';
import { decodeText, decodingWork, hasKnownEncoding, type Part, walk } from '../message/mime.ts';
import type { Run } from '../run.ts';

/** The text a reader sees of a part, of its first octets. */
export function readableText(run: Run, part: Part): string {
  const text = textOf(run, part);
  return isHtml(part) ? htmlToText(text) : text;
}

function textOf(run: Run, part: Part): string {
  const most = run.limits.textSize;
  run.spend(decodingWork(part, most));
  return decodeText(part, most);
}

const isHtml = ({ type }: Part): boolean => type === 'text/html' || type === 'application/xhtml+xml';

/** Text that somebody can read: not in a transfer encoding nobody knows (RFC 2045 §6.4). */
const isReadable = (part: Part): boolean =>
  (part.type.startsWith('text/') || isHtml(part)) && part.children.length === 0 && hasKnownEncoding(part);

/** `text` and `text/plain` name types; `` names all (RFC 5173 §5.2). */
function isOfType(type: string, wanted: readonly string[]): boolean {
  return wanted.some((one) => {
    if (one === '') return true;
    const name = one.toLowerCase();
    return name.includes('/') ? name === type : type.startsWith(`${name}/`);
  });
}

function contentOf(run: Run, part: Part): readonly string[] {
  const beginning = (octets: Uint8Array) => decodeOctets(octets.subarray(0, run.limits.textSize));
  if (part.type.startsWith('multipart/')) return [beginning(part.prologue), beginning(part.epilogue)];
  if (part.type === 'message/rfc822') return part.children.map(({ header }) => decodeOctets(header.octets()));
  return [textOf(run, part)];
}

/** Texts up to the limit in all; what is beyond is not looked at. */
function bounded(run: Run, texts: Iterable<string>): string[] {
  const found: string[] = [];
  let left = run.limits.textSize;
  for (const text of texts) {
    if (left <= 0) break;
    found.push(text.length > left ? text.slice(0, left) : text);
    left -= text.length;
    run.spend(1 + (text.length >> 4));
  }
  return found;
}

function* textsOf(run: Run, root: Part, wanted: readonly string[] | undefined): Generator<string> {
  for (const part of walk(root)) {
    if (wanted !== undefined) {
      if (isOfType(part.type, wanted)) yield* contentOf(run, part);
    } else if (isReadable(part)) yield readableText(run, part);
  }
}

const body: Definition = {
  kind: 'test',
  name: 'body',
  needs: ['body'],
  tags: [
    ...matchTags,
    { name: 'raw', group: 'transform' },
    { name: 'content', group: 'transform', value: 'strings' },
    { name: 'text', group: 'transform' },
  ],
  takes: [{ name: 'key list', type: 'strings' }],
  compile(call) {
    const match = compileMatch(call, call.texts('key list'));
    if (!match) return undefined;
    const transform = call.inGroup('transform') ?? 'text';
    const types = call.texts(':content');
    return {
      async test(run) {
        // RFC 5173 §4: :count has no meaning for bodies but 1; match values are not set by :matches (§6).
        if (!run.message.hasBody) return match(run, []);
        const before = run.matched;
        const values =
          transform === 'raw'
            ? bounded(run, [decodeOctets((await run.message.body()).subarray(0, run.limits.textSize))])
            : bounded(
                run,
                textsOf(
                  run,
                  await run.message.parts((work) => run.spend(work)),
                  transform === 'content' ? types.map((one) => one.value(run)) : undefined,
                ),
              );
        const answer = await match(run, values);
        run.matched = before;
        return answer;
      },
    };
  },
};

export const bodyWords: readonly Definition[] = [body];
