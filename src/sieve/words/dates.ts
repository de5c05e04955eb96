/**
 * sieve/words/dates - date and currentdate (RFC 5260 §4, §5).
 */
import type { Call } from '../bind.ts';
import type { Definition, Tag, Text } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import { dateParts, parseDate, parseZone, printPart, type ZonedDate } from '../message/date.ts';
import { hint } from '../nearest.ts';
import type { Run } from '../run.ts';
import { checkFieldNames, compileFields, indexTags } from './fields.ts';

const zoneTag: Tag = { name: 'zone', group: 'zone', value: 'string' };

/** undefined: what is wrong has been told. */
function compileZone(call: Call): ((run: Run, original: number | undefined) => number) | undefined {
  const text = call.optionalText(':zone');
  if (call.has('originalzone')) return (run, original) => original ?? run.environment.zoneMinutes;
  if (text === undefined) return (run) => run.environment.zoneMinutes;
  if (text.constant !== undefined && parseZone(text.constant) === undefined) {
    return call.error(`"${text.constant.slice(0, 20)}" is no time zone: +hhmm or -hhmm is expected`, text.at);
  }
  return (run) => parseZone(text.value(run)) ?? run.environment.zoneMinutes;
}

function checkPart(call: Call, { constant, at }: Text): boolean {
  if (constant === undefined || Object.hasOwn(dateParts, constant.toLowerCase())) return true;
  const known = Object.keys(dateParts);
  call.error(
    `unknown date part "${constant.slice(0, 20)}": it is one of ${known.join(', ')}${hint(constant, known)}`,
    at,
  );
  return false;
}

const date: Definition = {
  kind: 'test',
  name: 'date',
  needs: ['date'],
  tags: [...matchTags, ...indexTags, zoneTag, { name: 'originalzone', group: 'zone' }],
  takes: [
    { name: 'header name', type: 'string' },
    { name: 'date part', type: 'string' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const name = call.text('header name');
    const part = call.text('date part');
    checkFieldNames(call, [name]);
    const good = checkPart(call, part);
    const zone = compileZone(call);
    const fields = compileFields(call);
    const match = compileMatch(call, call.texts('key list'));
    if (!good || !zone || !fields || !match) return undefined;
    return {
      async test(run) {
        const found = await fields(run, [name.value(run)]);
        const wanted = part.value(run).toLowerCase();
        const values = found.flatMap(({ value }) => {
          // Received and its like have the date behind the last semicolon (RFC 5260 §4).
          const parsed = parseDate(value.slice(value.lastIndexOf(';') + 1));
          return parsed ? [printPart({ time: parsed.time, zone: zone(run, parsed.zone) }, wanted)] : [];
        });
        return match(run, values);
      },
    };
  },
};

const currentdate: Definition = {
  kind: 'test',
  name: 'currentdate',
  needs: ['date'],
  tags: [...matchTags, zoneTag],
  takes: [
    { name: 'date part', type: 'string' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const part = call.text('date part');
    const good = checkPart(call, part);
    const zone = compileZone(call);
    const match = compileMatch(call, call.texts('key list'));
    if (!good || !zone || !match) return undefined;
    return {
      test(run) {
        const now: ZonedDate = { time: run.environment.now.getTime(), zone: zone(run, undefined) };
        return match(run, [printPart(now, part.value(run).toLowerCase())]);
      },
    };
  },
};

export const dateWords: readonly Definition[] = [date, currentdate];
