/**
 * access/managesieve/general - the greeting, and commands that may be said at any time: CAPABILITY (RFC 5804 §2.4),
 * LOGOUT (§2.3), NOOP (§2.13).
 */
import type { Command } from '../../protocol/managesieve/command.ts';
import { capabilities } from '../../protocol/managesieve/respond.ts';
import type { Session } from './session.ts';

/** RFC 5804 §1.7: the capabilities, then OK; also after STARTTLS (§2.2). */
export function greet(session: Session): void {
  announce(session);
  session.ok(`${session.options.product} ManageSieve ready`);
}

export function capability(session: Session): void {
  announce(session);
  session.ok();
}

/** What is announced may be used now. */
function announce(session: Session): void {
  const { connection, mechanisms, options, state } = session;
  const { extensions, notify, product, redirects } = options;
  const isOutside = state.kind === 'outside';
  session.say(
    capabilities({
      implementation: product,
      sieve: extensions,
      mechanisms: isOutside ? mechanisms : [],
      starttls: isOutside && connection.mayStartTls,
      notify,
      ...(redirects === undefined ? {} : { maxRedirects: redirects }),
      ...(state.kind === 'inside' ? { owner: state.owner } : {}),
    }),
  );
}

export function logout(session: Session): void {
  session.ok('Bye');
  session.isOver = true;
}

export function noop(session: Session, { tag }: Command & { name: 'NOOP' }): void {
  session.ok('Here', tag === undefined ? undefined : { name: 'TAG', value: tag });
}
