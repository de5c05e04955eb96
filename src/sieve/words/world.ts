/**
 * sieve/words/world - tests of what is around the message: environment (RFC 5183), duplicate (RFC 7352), spamtest and
 * virustest (RFC 5235), valid_ext_list (RFC 6134).
 */
import { createHash } from 'node:crypto';
import type { Definition } from '../definition.ts';
import { compileMatch, listName, matchTags } from '../match/match.ts';
import { isFieldName } from '../message/header.ts';
import type { Run } from '../run.ts';

const environment: Definition = {
  kind: 'test',
  name: 'environment',
  needs: ['environment'],
  tags: matchTags,
  takes: [
    { name: 'name', type: 'string' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const name = call.text('name');
    const match = compileMatch(call, call.texts('key list'));
    if (!match) return undefined;
    return {
      async test(run) {
        // RFC 5183 §4: an item that is not known fails every test.
        const value = run.environment.items.get(name.value(run).toLowerCase());
        return value !== undefined && match(run, [value]);
      },
    };
  },
};

const duplicate: Definition = {
  kind: 'test',
  name: 'duplicate',
  needs: ['duplicate'],
  tags: [
    { name: 'handle', value: 'string' },
    { name: 'header', group: 'id', value: 'string' },
    { name: 'uniqueid', group: 'id', value: 'string' },
    { name: 'seconds', value: 'number' },
    { name: 'last' },
  ],
  compile(call) {
    const field = call.optionalText(':header');
    if (field?.constant !== undefined && !isFieldName(field.constant)) {
      return call.error(`"${field.constant.slice(0, 60)}" is no name of a header field`, field.at);
    }
    const unique = call.optionalText(':uniqueid');
    const handle = call.optionalText(':handle');
    const seconds = call.number(':seconds');
    const last = call.has('last');
    return {
      async test(run) {
        const id = unique?.value(run) ?? run.message.header.all(field?.value(run) ?? 'message-id')[0]?.value;
        if (id === undefined || id === '') return false;
        const key = duplicateKey(
          handle?.value(run) ?? '',
          unique ? 'unique' : (field?.value(run).toLowerCase() ?? 'message-id'),
          id,
        );
        const period = Math.min(seconds ?? run.limits.duplicateUsual, run.limits.duplicateMost);
        const seen = await run.environment.isDuplicate(key, last, period);
        // RFC 7352 §3: remembered only when the script has ended well.
        if ((!seen || last) && !run.result.marks.some((mark) => mark.id === key))
          run.result.marks.push({ id: key, seconds: period });
        return seen;
      },
    };
  },
};

const duplicateKey = (handle: string, kind: string, id: string): string =>
  createHash('sha256').update([handle, kind, id].join('\0')).digest('hex');

/** RFC 5235 §2: spamtest is 0 (not tested), 1 (clean) to 10 (spam); with :percent 0 to 100. */
const spamValue = (percent: number | undefined): string =>
  percent === undefined ? '0' : String(Math.min(10, 1 + Math.floor((percent * 9) / 100 + 1e-9)));

/** RFC 5235 §3: virustest is 0 (not tested), 1 (clean) to 5 (a virus). */
const virusValue = (percent: number | undefined): string =>
  percent === undefined ? '0' : String(Math.min(5, 1 + Math.floor((percent * 4) / 100 + 1e-9)));

function score(
  name: string,
  needs: readonly string[],
  read: (run: Run, percent: boolean) => string,
): Definition {
  return {
    kind: 'test',
    name,
    needs,
    tags: [...matchTags, ...(name === 'spamtest' ? [{ name: 'percent', needs: 'spamtestplus' }] : [])],
    takes: [{ name: 'value', type: 'string' }],
    compile(call) {
      const match = compileMatch(call, [call.text('value')]);
      if (!match) return undefined;
      const percent = call.has('percent');
      return {
        async test(run) {
          const value = read(run, percent);
          // RFC 5235 §2.2: with :count there is one value when the message was tested, and none when it was not.
          if (call.inGroup('match') === 'count' && value === '0') return match(run, []);
          return match(run, [value]);
        },
      };
    },
  };
}

const validExtList: Definition = {
  kind: 'test',
  name: 'valid_ext_list',
  needs: ['extlists'],
  takes: [{ name: 'list names', type: 'strings' }],
  compile(call) {
    const names = call.texts('list names');
    return {
      test: async (run) => names.every((name) => run.environment.lists.exists(listName(name.value(run)))),
    };
  },
};

export const worldWords: readonly Definition[] = [
  environment,
  duplicate,
  score('spamtest', ['spamtest', 'spamtestplus'], ({ environment: { spam } }, percent) =>
    percent ? String(Math.floor((spam.percent ?? 0) + 1e-9)) : spamValue(spam.percent),
  ),
  score('virustest', ['virustest'], ({ environment: { virus } }) => virusValue(virus.percent)),
  validExtList,
];
