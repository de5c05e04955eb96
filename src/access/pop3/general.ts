/**
 * access/pop3/general - commands that may be said at any time: CAPA (RFC 2449 §5) and LANG (RFC 6856 §3).
 */
import type { Command } from '../../protocol/pop3/command.ts';
import { capabilities, endOfList, listed, ok } from '../../protocol/pop3/respond.ts';
import type { Session } from './session.ts';

/** What is announced may be said now. */
export function capa(session: Session): void {
  const { connection, mechanisms, options, state } = session;
  const isBefore = state.kind === 'authorization';
  session.say(
    capabilities({
      stls: isBefore && connection.mayStartTls,
      user: isBefore && session.mayShowPassword,
      mechanisms: isBefore ? mechanisms : [],
      implementation: options.product,
      loginDelay: options.loginDelay,
    }),
  );
}

/** We speak English. */
export function lang(session: Session, { language }: Command & { name: 'LANG' }): void {
  if (language === undefined) session.say(`${ok('Languages')}${listed('en', 'English')}${endOfList}`);
  else if (/^(?:\*|en(?:-.*)?|i-default)$/i.test(language)) session.say(ok('en Texts are in English'));
  else session.refuse('No such language here');
}
