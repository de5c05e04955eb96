/**
 * sieve/words/deliveries - keep, fileinto, redirect, discard (RFC 5228 §4), with :copy (RFC 3894), :flags (RFC 5232),
 * :create (RFC 5490), :mailboxid (RFC 9042) and :specialuse (RFC 8579).
 */
import type { Call } from '../bind.ts';
import type { Definition, Tag } from '../definition.ts';
import { listName } from '../match/match.ts';
import { parseOneAddress, printListed } from '../message/addresses.ts';
import type { Fcc } from '../outcome.ts';
import type { Run } from '../run.ts';
import { splitFlags } from './flags.ts';

/** Beyond this a name can be no mailbox's. */
const mailboxNameLimit = 1024;

const flagsTag: Tag = { name: 'flags', value: 'strings', needs: 'imap4flags' };
const copyTag: Tag = { name: 'copy', needs: 'copy' };

export const mailboxTags: readonly Tag[] = [
  { name: 'create', needs: 'mailbox' },
  { name: 'mailboxid', value: 'string', needs: 'mailboxid' },
  { name: 'specialuse', value: 'string', needs: 'special-use' },
  flagsTag,
];

/** The header as it is now, when the script has edited it. */
const withHeader = (run: Run): { header?: Uint8Array } =>
  run.result.edited ? { header: run.message.header.octets() } : {};

export function readFlags(call: Call): (run: Run) => { flags?: readonly string[] } {
  const given = call.has('flags') ? call.texts(':flags') : undefined;
  return (run) => {
    const flags = given ? splitFlags(given.map((text) => text.value(run))) : run.result.flags;
    return flags ? { flags } : {};
  };
}

/** Whether a name may be a mailbox's: text without control characters. */
export const isMailboxName = (name: string): boolean =>
  name !== '' && name.length <= mailboxNameLimit && name.isWellFormed() && !/[\x00-\x1f\x7f]/.test(name);

const badName = (name: string): string =>
  name === ''
    ? 'invalid folder name: it is empty'
    : 'invalid folder name: it is no text, holds control characters, or is too long';

/** Mailbox of fileinto and of :fcc. undefined: what is wrong has been told. */
export function compileMailbox(call: Call, parameter: string): ((run: Run) => Fcc) | undefined {
  const name = call.text(parameter);
  if (name.constant !== undefined && !isMailboxName(name.constant))
    return call.error(badName(name.constant), name.at);
  const use = call.optionalText(':specialuse');
  if (use?.constant !== undefined && !/^\\[A-Za-z][A-Za-z0-9]*$/.test(use.constant)) {
    return call.error('a special use is a backslash and a word, as in "\\\\Junk"', use.at);
  }
  if (use && call.has('mailboxid'))
    return call.error(':mailboxid and :specialuse exclude each other', use.at);
  const id = call.optionalText(':mailboxid');
  const flags = readFlags(call);
  const create = call.has('create');
  return (run) => {
    const mailbox = name.value(run);
    if (!isMailboxName(mailbox)) throw run.trouble(badName(mailbox));
    return {
      mailbox,
      ...(id ? { mailboxId: id.value(run) } : {}),
      ...(use ? { specialUse: use.value(run) } : {}),
      create,
      ...flags(run),
    };
  };
}

const keep: Definition = {
  kind: 'command',
  name: 'keep',
  tags: [flagsTag],
  compile(call) {
    const flags = readFlags(call);
    return async (run) => {
      run.result.add(run, {
        kind: 'keep',
        implicit: false,
        ...flags(run),
        ...withHeader(run),
        because: run.because('keep'),
      });
      return undefined;
    };
  },
};

const fileinto: Definition = {
  kind: 'command',
  name: 'fileinto',
  needs: ['fileinto'],
  tags: [copyTag, ...mailboxTags],
  takes: [{ name: 'mailbox', type: 'string' }],
  compile(call) {
    const target = compileMailbox(call, 'mailbox');
    if (!target) return undefined;
    const copy = call.has('copy');
    return async (run) => {
      const mailbox = target(run);
      run.result.add(run, {
        kind: 'fileinto',
        ...mailbox,
        ...withHeader(run),
        because: run.because(`fileinto "${mailbox.mailbox}"`),
      });
      if (!copy) run.result.cancelKeep();
      return undefined;
    };
  },
};

const redirect: Definition = {
  kind: 'command',
  name: 'redirect',
  tags: [copyTag, { name: 'list', needs: 'extlists' }],
  takes: [{ name: 'address', type: 'string' }],
  compile(call) {
    const address = call.text('address');
    const list = call.has('list');
    if (!list && address.constant !== undefined) {
      const parsed = parseOneAddress(address.constant);
      if ('wrong' in parsed) return call.error(parsed.wrong, address.at);
    }
    const { knownList } = call.scope.compilation;
    if (list && address.constant !== undefined && knownList?.(listName(address.constant)) === false) {
      return call.error(`there is no external list "${address.constant.slice(0, 60)}"`, address.at);
    }
    const copy = call.has('copy');
    return async (run) => {
      const text = address.value(run);
      const to = list ? readList(run, text) : readAddress(run, text);
      if (run.limits.redirects === 0) throw run.trouble('redirect is switched off here');
      run.result.add(run, {
        kind: 'redirect',
        ...to,
        ...withHeader(run),
        because: run.because(`redirect "${text}"`),
      });
      if (!copy) run.result.cancelKeep();
      return undefined;
    };
  },
};

function readAddress(run: Run, text: string): { address: string } {
  const parsed = parseOneAddress(text);
  if ('wrong' in parsed) throw run.trouble(parsed.wrong);
  return { address: printListed(parsed) };
}

function readList(run: Run, text: string): { address: string; list: string } {
  const list = listName(text);
  if (!run.environment.lists.exists(list))
    throw run.trouble(`there is no external list "${text.slice(0, 60)}"`);
  return { address: '', list };
}

const discard: Definition = {
  kind: 'command',
  name: 'discard',
  compile: () => async (run) => {
    run.result.add(run, { kind: 'discard', because: run.because('discard') });
    run.result.cancelKeep();
    return undefined;
  },
};

export const deliveryWords: readonly Definition[] = [keep, fileinto, redirect, discard];
