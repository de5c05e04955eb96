/**
 * sieve/words/answers - vacation (RFC 5230, RFC 6131), reject and ereject (RFC 5429), with :fcc (RFC 8580).
 */
import { createHash } from 'node:crypto';
import type { Call } from '../bind.ts';
import type { Definition, Tag } from '../definition.ts';
import { parseOneAddress } from '../message/addresses.ts';
import type { Fcc } from '../outcome.ts';
import type { Run } from '../run.ts';
import { cutOctets } from '../variables.ts';
import { compileMailbox, mailboxTags } from './deliveries.ts';

/** :fcc and what says more of its mailbox. */
export const fccTags: readonly Tag[] = [{ name: 'fcc', value: 'string', needs: 'fcc' }, ...mailboxTags];

/** undefined: none; null: what is wrong has been told. */
export function compileFcc(call: Call): ((run: Run) => Fcc) | undefined | null {
  if (call.has('fcc')) return compileMailbox(call, ':fcc') ?? null;
  const stray = mailboxTags.find(({ name }) => call.has(name));
  if (stray === undefined) return undefined;
  call.error(`:${stray.name} of ${call.name} needs :fcc`, call.tagAt(stray.name));
  return null;
}

/** `:from` and the like: one address; its text is kept. false: what is wrong has been told. */
export function checkAddress(call: Call, tag: string): boolean {
  const text = call.optionalText(tag);
  if (text?.constant === undefined) return true;
  const parsed = parseOneAddress(text.constant);
  if ('wrong' in parsed) call.error(parsed.wrong, text.at);
  return !('wrong' in parsed);
}

const vacation: Definition = {
  kind: 'command',
  name: 'vacation',
  needs: ['vacation'],
  tags: [
    { name: 'days', group: 'period', value: 'number' },
    { name: 'seconds', group: 'period', value: 'number', needs: 'vacation-seconds' },
    { name: 'subject', value: 'string' },
    { name: 'from', value: 'string' },
    { name: 'addresses', value: 'strings' },
    { name: 'mime' },
    { name: 'handle', value: 'string' },
    ...fccTags,
  ],
  takes: [{ name: 'reason', type: 'string' }],
  compile(call) {
    const fcc = compileFcc(call);
    if (fcc === null || !checkAddress(call, ':from')) return undefined;
    for (const { constant, at } of call.texts(':addresses')) {
      const parsed = constant === undefined ? undefined : parseOneAddress(constant);
      if (parsed && 'wrong' in parsed) return call.error(parsed.wrong, at);
    }
    const reason = call.text('reason');
    const subject = call.optionalText(':subject');
    const from = call.optionalText(':from');
    const handle = call.optionalText(':handle');
    const addresses = call.texts(':addresses');
    const mime = call.has('mime');
    const asked = wishedSeconds(call);
    return async (run) => {
      const facts = {
        ...(subject ? { subject: subject.value(run) } : {}),
        ...(from ? { from: from.value(run) } : {}),
        mime,
        reason: cutOctets(reason.value(run), run.limits.reasonSize),
      };
      if (from !== undefined) {
        const parsed = parseOneAddress(facts.from ?? '');
        if ('wrong' in parsed) throw run.trouble(parsed.wrong);
      }
      run.result.add(run, {
        kind: 'vacation',
        ...facts,
        seconds: periodOf(run, asked),
        addresses: addresses.map((text) => text.value(run)),
        handle: handle?.value(run) ?? digest(facts),
        ...(fcc ? { fcc: fcc(run) } : {}),
        because: run.because('vacation'),
      });
      return undefined;
    };
  },
};

/** RFC 5230 §4.2: without a handle, answers are the same when their arguments are. */
const digest = (facts: object): string => createHash('sha256').update(JSON.stringify(facts)).digest('hex');

function wishedSeconds(call: Call): number | undefined {
  const days = call.number(':days');
  const seconds = call.number(':seconds');
  return days === undefined ? seconds : days * 86_400;
}

/** RFC 5230 §4.1 and RFC 6131 §2: wishes out of bounds are brought to them; 0 is every time where the least allows it. */
function periodOf(run: Run, wish: number | undefined): number {
  const { vacationLeast, vacationMost, vacationUsual } = run.limits;
  return Math.min(vacationMost, Math.max(vacationLeast, wish ?? vacationUsual));
}

const refusal = (name: 'reject' | 'ereject'): Definition => ({
  kind: 'command',
  name,
  needs: [name],
  takes: [{ name: 'reason', type: 'string' }],
  compile(call) {
    const reason = call.text('reason');
    return async (run) => {
      run.result.add(run, {
        kind: name,
        reason: cutOctets(reason.value(run), run.limits.reasonSize),
        because: run.because(name),
      });
      run.result.cancelKeep();
      return undefined;
    };
  },
});

export const answerWords: readonly Definition[] = [vacation, refusal('reject'), refusal('ereject')];
