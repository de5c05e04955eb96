/**
 * svtest/words - the commands and tests of `vnd.dovecot.testsuite`, over one Suite.
 */
import { encodeOctets } from '../../src/protocol/sieve/octets.ts';
import type { Call } from '../../src/sieve/bind.ts';
import type { Definition, Vocabulary } from '../../src/sieve/definition.ts';
import { compileMatch, matchTags } from '../../src/sieve/match/match.ts';
import { parseAddressList, printListed } from '../../src/sieve/message/addresses.ts';
import { Message } from '../../src/sieve/message/message.ts';
import { Result } from '../../src/sieve/result.ts';
import type { Run } from '../../src/sieve/run.ts';
import { SieveTrouble } from '../../src/sieve/trouble.ts';
import { definitions, extensions, vocabularyOf } from '../../src/sieve/vocabulary.ts';
import { carryOut } from './carry-out.ts';
import { type Suite, TestFailure, type TestResult } from './suite.ts';

const needs = ['vnd.dovecot.testsuite'];

type Work = (run: Run, call: Call) => Promise<boolean>;

/** A command and a test of the same name: the command fails the test around it when the answer is no. */
function both(name: string, rest: Pick<Definition, 'tags' | 'takes'>, work: Work): Definition[] {
  return [
    { ...rest, kind: 'test', name, needs, compile: (call) => ({ test: (run) => work(run, call) }) },
    {
      ...rest,
      kind: 'command',
      name,
      needs,
      compile: (call) => async (run) => {
        if (!(await work(run, call))) throw new TestFailure(`${name} failed`);
        return undefined;
      },
    },
  ];
}

export function suiteVocabulary(suite: Suite): Vocabulary {
  const words: Definition[] = [
    ...definitions,
    testBlock(suite),
    {
      kind: 'command',
      name: 'test_fail',
      needs,
      takes: [{ name: 'reason', type: 'string' }],
      compile: (call) => async (run) => {
        throw new TestFailure(call.text('reason').value(run));
      },
    },
    ...both(
      'test_set',
      {
        takes: [
          { name: 'what', type: 'string' },
          { name: 'value', type: 'string' },
        ],
      },
      async (run, call) => {
        setFact(suite, run, call.text('what').value(run), call.text('value').value(run));
        return true;
      },
    ),
    ...settingWords(suite),
    ...resultWords(suite),
    ...scriptWords(suite),
    ...mailboxWords(suite),
    indexedMatch('test_error', () => suite.errors),
    indexedMatch('test_result_action', (run) =>
      run.result.actions.map(({ kind }) => (kind === 'fileinto' ? 'store' : kind)),
    ),
  ];
  const path = (_: Run, name: string) => (name === 'path' ? suite.folder : '');
  return vocabularyOf(words, [...extensions, ...needs], new Map([['tst', path]]));
}

function testBlock(suite: Suite): Definition {
  return {
    kind: 'command',
    name: 'test',
    needs,
    block: true,
    takes: [{ name: 'name', type: 'string' }],
    compile: (call) => async (run) => {
      const test: TestResult = { name: call.text('name').value(run) };
      suite.tests.push(test);
      suite.errors = [];
      try {
        const signal = await call.block(run);
        return signal?.kind === 'stop' ? undefined : signal;
      } catch (error) {
        if (!(error instanceof TestFailure) && !(error instanceof SieveTrouble)) throw error;
        test.failure =
          error instanceof TestFailure
            ? `line ${run.place.line}: ${error.message}`
            : `runtime error in line ${run.place.line}: ${error.message}`;
        return undefined;
      }
    },
  };
}

function setFact(suite: Suite, run: Run, what: string, value: string): void {
  const address = (): string => {
    const [one] = parseAddressList(value);
    return one === undefined || 'bad' in one ? value.replace(/^<([^<>@]*)>$/, '$1') : printListed(one);
  };
  const { envelope } = suite;
  switch (what) {
    case 'message':
      suite.show(run, encodeOctets(value), suite.envelopeOf(encodeOctets(value)));
      return;
    case 'envelope.from':
      suite.show(run, suite.message, { ...envelope, from: address() });
      return;
    case 'envelope.to':
      suite.show(run, suite.message, { ...envelope, to: address() });
      return;
    case 'envelope.orig_to':
      suite.show(run, suite.message, { ...envelope, originalTo: address() });
      return;
    case 'envelope.auth':
      suite.show(run, suite.message, { ...envelope, auth: value });
      return;
    default:
      throw new TestFailure(`test_set knows no "${what}"`);
  }
}

function settingWords(suite: Suite): Definition[] {
  const refresh = (run: Run) => {
    run.environment = suite.environment();
    run.limits = suite.limits;
    run.variables.limits = suite.limits;
  };
  return [
    ...both(
      'test_config_set',
      {
        takes: [
          { name: 'setting', type: 'string' },
          { name: 'value', type: 'string' },
        ],
      },
      async (run, call) => {
        suite.settings.set(call.text('setting').value(run), call.text('value').value(run));
        return true;
      },
    ),
    ...both('test_config_unset', { takes: [{ name: 'setting', type: 'string' }] }, async (run, call) => {
      suite.settings.delete(call.text('setting').value(run));
      return true;
    }),
    ...both('test_config_reload', { tags: [{ name: 'extension', value: 'string' }] }, async (run) => {
      refresh(run);
      return true;
    }),
    ...both(
      'test_imap_metadata_set',
      {
        tags: [{ name: 'mailbox', value: 'string' }],
        takes: [
          { name: 'annotation', type: 'string' },
          { name: 'value', type: 'string' },
        ],
      },
      async (run, call) => {
        const mailbox = call.optionalText(':mailbox')?.value(run) ?? '';
        suite.metadata.set(
          `${mailbox}\0${call.text('annotation').value(run).toLowerCase()}`,
          call.text('value').value(run),
        );
        return true;
      },
    ),
  ];
}

function resultWords(suite: Suite): Definition[] {
  return [
    ...both('test_result_reset', {}, async (run) => {
      run.result = new Result();
      run.message = new Message(run.environment.message);
      suite.done.clear();
      suite.sent = [];
      return true;
    }),
    ...both('test_result_execute', {}, async (run) => carryOut(suite, run)),
    ...both('test_result_print', {}, async (run) => {
      for (const { kind, because } of run.result.actions)
        process.stderr.write(`  ${kind}: ${because.text}\n`);
      return true;
    }),
  ];
}

function scriptWords(suite: Suite): Definition[] {
  const file = { takes: [{ name: 'file', type: 'string' as const }] };
  return [
    ...both('test_script_compile', file, async (run, call) =>
      suite.compileFile(call.text('file').value(run)),
    ),
    ...both('test_script_run', { tags: [{ name: 'append_result' }] }, async (run, call) => {
      if (!call.has('append_result')) suite.done.clear();
      return suite.runScript(run, call.has('append_result'));
    }),
    ...both('test_multiscript', { takes: [{ name: 'files', type: 'strings' }] }, async (run, call) => {
      let append = false;
      for (const text of call.texts('files')) {
        if (append && !run.result.keeps) break;
        if (!(await suite.compileFile(text.value(run))) || !(await suite.runScript(run, append)))
          return false;
        append = true;
      }
      return carryOut(suite, run);
    }),
    // Nothing is kept in binary form: a script is run again as it was compiled.
    ...both('test_binary_save', file, async () => true),
    ...both('test_binary_load', file, async () => suite.script !== undefined),
  ];
}

function mailboxWords(suite: Suite): Definition[] {
  const mailbox = { takes: [{ name: 'mailbox', type: 'string' as const }] };
  return [
    ...both('test_mailbox_create', mailbox, async (run, call) => {
      const name = call.text('mailbox').value(run);
      if (!suite.mailboxes.has(name)) suite.mailboxes.set(name, []);
      return true;
    }),
    ...both('test_mailbox_delete', mailbox, async (run, call) =>
      suite.mailboxes.delete(call.text('mailbox').value(run)),
    ),
    ...both(
      'test_message',
      {
        tags: [
          { name: 'smtp', group: 'source' },
          { name: 'folder', group: 'source', value: 'string' },
        ],
        takes: [{ name: 'index', type: 'number' }],
      },
      async (run, call) => {
        const index = call.number('index') ?? 0;
        if (!call.has('smtp')) {
          const stored = suite.mailboxes.get(call.text(':folder').value(run))?.[index];
          if (stored === undefined) return false;
          suite.show(run, stored.content);
          run.result.flags = stored.flags;
          return true;
        }
        const sent = suite.sent[index];
        if (sent) suite.show(run, sent.content, { from: sent.from, to: sent.to });
        return sent !== undefined;
      },
    ),
  ];
}

function indexedMatch(name: string, values: (run: Run) => readonly string[]): Definition {
  return {
    kind: 'test',
    name,
    needs,
    tags: [...matchTags, { name: 'index', value: 'number' }],
    takes: [{ name: 'key list', type: 'strings' }],
    compile(call) {
      const match = compileMatch(call, call.texts('key list'));
      const index = call.number(':index');
      if (!match) return undefined;
      return {
        test: (run) => {
          const all = values(run);
          return match(run, index === undefined ? all : all.slice(index - 1, index));
        },
      };
    },
  };
}
