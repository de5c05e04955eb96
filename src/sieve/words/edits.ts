/**
 * sieve/words/edits - addheader and deleteheader (RFC 5293).
 */

import { encodeOctets } from '../../protocol/sieve/octets.ts';
import type { Call } from '../bind.ts';
import type { Definition, Text } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import { decodedValue, isFieldName } from '../message/header.ts';
import { compileIndex } from './fields.ts';

const badName = (name: string): string => `field name "${name.slice(0, 60)}" is invalid`;

/** false: what is wrong has been told. */
function checkName(call: Call, { constant, at }: Text, kind: 'add' | 'delete'): boolean {
  if (constant === undefined) return true;
  if (!isFieldName(constant)) {
    call.error(badName(constant), at);
    return false;
  }
  if (call.scope.limits.protectedFields[kind].has(constant.toLowerCase())) {
    call.scope.warn(at, `the field ${constant} is protected: this changes nothing`);
  }
  return true;
}

/** A script's value may be text of any kind, but no control characters other than line ends to be folded. */
const isFieldValue = (value: string): boolean =>
  value.isWellFormed() && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(value);

const addheader: Definition = {
  kind: 'command',
  name: 'addheader',
  needs: ['editheader'],
  tags: [{ name: 'last' }],
  takes: [
    { name: 'field name', type: 'string' },
    { name: 'value', type: 'string' },
  ],
  compile(call) {
    const name = call.text('field name');
    const value = call.text('value');
    if (!checkName(call, name, 'add')) return undefined;
    if (value.constant !== undefined && !isFieldValue(value.constant)) {
      return call.error(`value "${value.constant.slice(0, 60)}" of a header field is invalid`, value.at);
    }
    if (value.constant !== undefined && encodeOctets(value.constant).length > call.scope.limits.headerSize) {
      return call.error(
        `the value of a header field is too long: at most ${call.scope.limits.headerSize} octets are permitted`,
        value.at,
      );
    }
    const last = call.has('last');
    return async (run) => {
      const field = name.value(run);
      const text = value.value(run);
      if (!isFieldName(field)) throw run.trouble(badName(field));
      if (!isFieldValue(text)) throw run.trouble(`value "${text.slice(0, 60)}" of a header field is invalid`);
      if (encodeOctets(text).length > run.limits.headerSize)
        throw run.trouble('the value of a header field is too long');
      if (run.limits.protectedFields.add.has(field.toLowerCase())) return undefined;
      run.spend(run.message.header.fields.length);
      run.message.header = run.message.header.with(field, text, last);
      run.result.edited = true;
      return undefined;
    };
  },
};

const deleteheader: Definition = {
  kind: 'command',
  name: 'deleteheader',
  needs: ['editheader'],
  tags: [...matchTags, { name: 'index', value: 'number' }, { name: 'last' }],
  takes: [
    { name: 'field name', type: 'string' },
    { name: 'value patterns', type: 'strings', optional: true },
  ],
  compile(call) {
    const name = call.text('field name');
    const pick = compileIndex(call);
    if (!pick || !checkName(call, name, 'delete')) return undefined;
    const patterns = call.texts('value patterns');
    const match = compileMatch(call, patterns);
    if (!match) return undefined;
    return async (run) => {
      const field = name.value(run);
      if (!isFieldName(field)) throw run.trouble(badName(field));
      if (run.limits.protectedFields.delete.has(field.toLowerCase())) return undefined;
      run.spend(run.message.header.fields.length);
      const gone = new Set(pick(run.message.header.all(field)));
      if (patterns.length > 0) {
        const before = run.matched;
        for (const one of gone) if (!(await match(run, [decodedValue(one)]))) gone.delete(one);
        run.matched = before;
      }
      if (gone.size === 0) return undefined;
      run.message.header = run.message.header.without(gone);
      run.result.edited = true;
      return undefined;
    };
  },
};

export const editWords: readonly Definition[] = [addheader, deleteheader];
