/**
 * sieve/words/fields - which header fields a test looks at: of the message, or with :mime of a part; all of a name,
 * or the one that :index says (RFC 5703 §4, RFC 5260 §6).
 */
import type { Call } from '../bind.ts';
import type { Tag, Text } from '../definition.ts';
import type { Field, HeaderSection } from '../message/header.ts';
import { isFieldName } from '../message/header.ts';
import { walk } from '../message/mime.ts';
import type { Run } from '../run.ts';

export const indexTags: readonly Tag[] = [
  { name: 'index', value: 'number', needs: 'index' },
  { name: 'last', needs: 'index' },
];

export const mimeTags: readonly Tag[] = [
  { name: 'mime', needs: 'mime' },
  { name: 'anychild', needs: 'mime' },
];

/** Gives the fields of these names, in the order of names and message. */
export type FieldReader = (run: Run, names: readonly string[]) => Promise<readonly Field[]>;

/** undefined: what is wrong has been told. */
export function compileFields(call: Call): FieldReader | undefined {
  const pick = compileIndex(call);
  if (pick === undefined) return undefined;
  if (call.has('anychild') && !call.has('mime'))
    return call.error(':anychild needs :mime', call.tagAt('anychild'));
  const mime = call.has('mime');
  const children = call.has('anychild');
  return async (run, names) => {
    const headers = mime ? await mimeHeaders(run, children) : [run.message.header];
    run.spend(names.length * headers.length);
    return names.flatMap((name) => pick(headers.flatMap((header) => header.all(name))));
  };
}

async function mimeHeaders(run: Run, children: boolean): Promise<readonly HeaderSection[]> {
  if (!children && run.part === undefined) return [run.message.header];
  const part = run.part ?? (await run.message.parts((work) => run.spend(work)));
  return children ? [...walk(part)].map(({ header }) => header) : [part.header];
}

/** Takes of the fields of one name those that :index and :last say. undefined: what is wrong has been told. */
export function compileIndex(call: Call): (<T>(fields: readonly T[]) => readonly T[]) | undefined {
  const index = call.number(':index');
  if (index === undefined) {
    if (call.has('last'))
      return call.error('the :last tag cannot be specified without the :index tag', call.tagAt('last'));
    return (fields) => fields;
  }
  if (index < 1) return call.error(':index counts from 1', call.tagAt('index'));
  const last = call.has('last');
  return (fields) => {
    const one = last ? fields.at(-index) : fields[index - 1];
    return one === undefined ? [] : [one];
  };
}

/** Tells of names that can name no field. They match nothing, and the script is good all the same (RFC 5228 §2.4.2.2). */
export function checkFieldNames(call: Call, names: readonly Text[]): void {
  for (const { constant, at } of names) {
    if (constant !== undefined && !isFieldName(constant)) {
      call.scope.warn(at, `"${constant.slice(0, 60)}" is no name of a header field: it matches nothing`);
    }
  }
}
