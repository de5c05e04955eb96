/**
 * sieve/words/header-tests - header, exists and size (RFC 5228 §5.5, §5.7, §5.9), with :mime (RFC 5703 §4).
 */
import type { Call } from '../bind.ts';
import type { Definition } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import { decodedValue, type Field } from '../message/header.ts';
import { parseParameters } from '../message/parameters.ts';
import { checkFieldNames, compileFields, indexTags, mimeTags } from './fields.ts';

const header: Definition = {
  kind: 'test',
  name: 'header',
  tags: [
    ...matchTags,
    ...indexTags,
    ...mimeTags,
    { name: 'type', group: 'mime option', needs: 'mime' },
    { name: 'subtype', group: 'mime option', needs: 'mime' },
    { name: 'contenttype', group: 'mime option', needs: 'mime' },
    { name: 'param', group: 'mime option', value: 'strings', needs: 'mime' },
  ],
  takes: [
    { name: 'header names', type: 'strings' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const names = call.texts('header names');
    checkFieldNames(call, names);
    const match = compileMatch(call, call.texts('key list'));
    const fields = compileFields(call);
    const values = compileValues(call);
    if (!match || !fields || !values) return undefined;
    return {
      async test(run) {
        const found = await fields(
          run,
          names.map((name) => name.value(run)),
        );
        return match(
          run,
          found.flatMap((field) => values(field, (text) => text.value(run))),
        );
      },
    };
  },
};

type Read = (text: ReturnType<Call['text']>) => string;

function compileValues(call: Call): ((field: Field, read: Read) => readonly string[]) | undefined {
  const option = call.inGroup('mime option');
  if (option === undefined) return (field) => [decodedValue(field)];
  if (!call.has('mime')) return call.error(`:${option} needs :mime`, call.tagAt(option));
  const params = call.texts(':param');
  return (field, read) => {
    const { value, parameters } = parseParameters(field.value);
    const [type = '', subtype = ''] = value.split('/');
    switch (option) {
      case 'type':
        return [type];
      case 'subtype':
        return [subtype];
      case 'contenttype':
        return [value];
      default:
        return params.flatMap((name) => parameters.get(read(name).toLowerCase()) ?? []);
    }
  };
}

const exists: Definition = {
  kind: 'test',
  name: 'exists',
  tags: [...mimeTags],
  takes: [{ name: 'header names', type: 'strings' }],
  compile(call) {
    const names = call.texts('header names');
    checkFieldNames(call, names);
    const fields = compileFields(call);
    if (!fields) return undefined;
    return {
      async test(run) {
        for (const name of names) if ((await fields(run, [name.value(run)])).length === 0) return false;
        return true;
      },
    };
  },
};

const size: Definition = {
  kind: 'test',
  name: 'size',
  tags: [
    { name: 'over', group: 'side' },
    { name: 'under', group: 'side' },
  ],
  takes: [{ name: 'limit', type: 'number' }],
  compile(call) {
    const side = call.inGroup('side');
    if (side === undefined) return call.error('the size test requires :over or :under');
    const limit = call.number('limit') ?? 0;
    return {
      test: async (run) => (side === 'over' ? run.message.size > limit : run.message.size < limit),
    };
  },
};

export const headerTests: readonly Definition[] = [header, exists, size];
