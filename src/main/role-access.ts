/**
 * main/role-access - people read the mail that is hosted here: IMAP, POP3 and ManageSieve.
 */
import { defaultImapOptions, type ImapOptions } from '../access/imap/options.ts';
import { imapProtocol } from '../access/imap/protocol.ts';
import { type AccessListener, type BoundAccess, bindAccess } from '../access/listener.ts';
import { manageSieve } from '../access/managesieve/session.ts';
import type { AccessProtocol } from '../access/options.ts';
import { pop3 } from '../access/pop3/session.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import { dropPrivileges } from '../serve/privileges.ts';
import type { Role } from '../serve/role.ts';
import { defaultLimits as sieveLimits } from '../sieve/limits.ts';
import { extensions } from '../sieve/vocabulary.ts';
import { type Base, now, openBase } from './base.ts';
import { openEntrance } from './entrance.ts';
import { type Hosting, openHosting } from './hosting.ts';
import { globalScriptIn, scriptJudge } from './script-judge.ts';
import type { AccessListenerSetting, Settings } from './settings.ts';
import { accountsOf } from './whose-account.ts';

const product = 'Isthmus';
/** What delivery does not give scripts yet: they must not ask for it. */
const notOffered: ReadonlySet<string> = new Set([
  'imapsieve',
  'envelope-dsn',
  'spamtest',
  'spamtestplus',
  'virustest',
  'extlists',
]);

export async function startAccess(first: Settings): Promise<Role> {
  const bound: BoundAccess[] = [];
  for (const listener of first.accessListeners) bound.push(await bindAccess(listener));
  // Every certificate is read and every low port bound: from here on nothing needs root.
  dropPrivileges(first.user);
  const base = await openBase('access', first);
  const { log, metrics } = base;
  const hosting = await openHosting(base);
  const entrance = await openEntrance(base, hosting);
  const listeners = bound.map((one, index) =>
    one.serve(protocolOf(index, base, hosting, entrance.authenticator), { metrics, log, now }),
  );
  return {
    facts: {
      listeners: listeners.map(({ address, port }, index) => ({
        name: first.accessListeners[index]?.name,
        address,
        port,
      })),
    },
    async reload(next) {
      await base.take(next as Settings);
      takeListeners(listeners, first, next as Settings);
    },
    async drain(signal) {
      await Promise.all(listeners.map((listener) => listener.drain(signal)));
      await entrance.close();
      await hosting.close();
      await base.close();
    },
    metrics: () => metrics.snapshot(),
  };
}

function protocolOf(
  index: number,
  base: Base,
  hosting: Hosting,
  authenticator: Authenticator,
): AccessProtocol {
  const named = base.settings().accessListeners[index]?.name;
  const setting = (): AccessListenerSetting => {
    const found = base.settings().accessListeners.find(({ name }) => name === named);
    if (found === undefined) throw new Error(`there is no listener ${named} any more`);
    return found;
  };
  const openAccount = accountsOf(base, hosting);
  const { mailboxes, scripts, messages } = hosting;
  const usual = () => {
    const { sessionsPerAccount, lineLimit, errors } = setting();
    return { product, sessionsPerAccount, loginDelay: 0, lineLimit, errors };
  };
  switch (setting().protocol) {
    case 'imap':
      return imapProtocol(imapOptions(base, setting()), {
        ...hosting,
        authenticator,
        openAccount,
        reading: messages,
        writing: messages,
      });
    case 'pop3':
      return pop3(usual, { authenticator, openAccount, mailboxes, reading: messages, writing: messages });
    case 'managesieve': {
      const { scriptSize } = base.settings().config.store.limits;
      const offered = extensions.filter((name) => !notOffered.has(name));
      return manageSieve(() => ({ ...usual(), scriptSize, extensions: offered, notify: ['mailto'] }), {
        authenticator,
        openAccount,
        scripts,
        judge: scriptJudge(
          scripts,
          globalScriptIn(() => base.settings().scripts.global),
          sieveLimits,
        ),
      });
    }
  }
}

/** As they are at the start of the process. */
function imapOptions(base: Base, setting: AccessListenerSetting): ImapOptions {
  const { messageSize, othersPrefix, compress, messageLimit } = base.settings().config.access;
  const { lineLimit, errors, sessionsPerAccount } = setting;
  const { limits } = defaultImapOptions;
  return {
    ...defaultImapOptions,
    ...{ errors, othersPrefix, compress, sessionsPerAccount, messageLimit },
    limits: { ...limits, command: lineLimit, message: messageSize, unasked: messageSize },
  };
}

/** What is bound to the socket waits for a restart (config/reload says so); everything else is live without it. */
function takeListeners(listeners: readonly AccessListener[], first: Settings, next: Settings): void {
  listeners.forEach((listener, index) => {
    const bound = first.accessListeners[index];
    const fresh = next.accessListeners.find(({ name }) => name === bound?.name);
    if (bound === undefined || fresh === undefined) return;
    const { address, port } = bound;
    listener.reload({ ...fresh, address, port, tls: { ...fresh.tls, mode: bound.tls.mode } });
  });
}
