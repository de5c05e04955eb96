/**
 * sieve/words/notifications - notify and its tests (RFC 5435), by `mailto:` (RFC 5436).
 */
import type { Call } from '../bind.ts';
import type { Definition, Text } from '../definition.ts';
import { isMailto, parseMailto } from '../mailto.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import { parseOneAddress } from '../message/addresses.ts';
import { cutOctets } from '../variables.ts';
import { checkAddress, compileFcc, fccTags } from './answers.ts';

/** What is wrong with a URI; '' when nothing is. */
function wrongOf(uri: string): string {
  if (!isMailto(uri)) {
    const [, scheme] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri) ?? [];
    return scheme
      ? `the notification method '${scheme}' is not supported: mailto is`
      : 'a notification method is a URI, as in "mailto:ada@example.org"';
  }
  const parsed = parseMailto(uri);
  return 'wrong' in parsed ? parsed.wrong : '';
}

const prohibited = 'local policy prohibits the use of a notify action';

const notify: Definition = {
  kind: 'command',
  name: 'notify',
  needs: ['enotify'],
  tags: [
    { name: 'from', value: 'string' },
    { name: 'importance', value: 'string' },
    { name: 'options', value: 'strings' },
    { name: 'message', value: 'string' },
    ...fccTags,
  ],
  takes: [{ name: 'method', type: 'string' }],
  compile(call) {
    if (call.scope.limits.notifications === 0) return call.error(prohibited);
    const method = call.text('method');
    const importance = call.optionalText(':importance');
    const fcc = compileFcc(call);
    const options = call.texts(':options');
    const sound = [
      checkAddress(call, ':from'),
      checkImportance(call, importance),
      checkMethod(call, method),
      checkOptions(call, options),
    ];
    if (fcc === null || sound.includes(false)) return undefined;
    const from = call.optionalText(':from');
    const message = call.optionalText(':message');
    return async (run) => {
      if (run.limits.notifications === 0) throw run.trouble(prohibited);
      const uri = method.value(run);
      const wrong = wrongOf(uri);
      if (wrong !== '') throw run.trouble(wrong);
      const sender = from?.value(run);
      if (sender !== undefined && sender !== '') {
        const parsed = parseOneAddress(sender);
        if ('wrong' in parsed) throw run.trouble(parsed.wrong);
      }
      const level = importance?.value(run) ?? '2';
      run.result.add(run, {
        kind: 'notify',
        method: uri,
        importance: level === '1' ? 1 : level === '3' ? 3 : 2,
        ...(sender ? { from: sender } : {}),
        ...(message ? { message: cutOctets(message.value(run), run.limits.reasonSize) } : {}),
        options: options.map((text) => text.value(run)),
        ...(fcc ? { fcc: fcc(run) } : {}),
        because: run.because(`notify "${uri}"`),
      });
      return undefined;
    };
  },
};

function checkImportance(call: Call, text: Text | undefined): boolean {
  if (text?.constant === undefined || /^[123]$/.test(text.constant)) return true;
  call.error(':importance is "1" (high), "2" (normal) or "3" (low)', text.at);
  return false;
}

function checkMethod(call: Call, { constant, at }: Text): boolean {
  if (constant === undefined) return true;
  const wrong = wrongOf(constant);
  if (wrong !== '') {
    call.error(wrong, at);
    return false;
  }
  const parsed = parseMailto(constant);
  if ('warnings' in parsed) for (const warning of parsed.warnings) call.scope.warn(at, warning);
  return true;
}

/** RFC 5435 §3.4: `name=value`; mailto knows none. */
function checkOptions(call: Call, options: readonly Text[]): boolean {
  for (const { constant, at } of options) {
    if (constant === undefined) continue;
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*=/.test(constant) || /[\r\n\0]/.test(constant)) {
      call.error(`"${constant.slice(0, 40)}" is no option of a notification: name=value is expected`, at);
      return false;
    }
    call.scope.warn(at, `the option "${constant.slice(0, 40)}" is not known to mailto: it is passed over`);
  }
  return true;
}

const validNotifyMethod: Definition = {
  kind: 'test',
  name: 'valid_notify_method',
  needs: ['enotify'],
  takes: [{ name: 'notification URIs', type: 'strings' }],
  compile(call) {
    const uris = call.texts('notification URIs');
    return { test: async (run) => uris.every((uri) => wrongOf(uri.value(run)) === '') };
  },
};

const capability: Definition = {
  kind: 'test',
  name: 'notify_method_capability',
  needs: ['enotify'],
  tags: matchTags,
  takes: [
    { name: 'notification URI', type: 'string' },
    { name: 'notification capability', type: 'string' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const uri = call.text('notification URI');
    const name = call.text('notification capability');
    const match = compileMatch(call, call.texts('key list'));
    if (!match) return undefined;
    return {
      async test(run) {
        // RFC 5435 §5: `online` is the only one there is.
        if (name.value(run).toLowerCase() !== 'online' || wrongOf(uri.value(run)) !== '') return false;
        return match(run, [await run.environment.isOnline(uri.value(run))]);
      },
    };
  },
};

export const notificationWords: readonly Definition[] = [notify, validNotifyMethod, capability];
