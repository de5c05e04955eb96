/**
 * access/imap/commands/idle - IDLE (RFC 2177; RFC 9051 §6.3.13): news as it comes, until the client says DONE.
 */
import { bad } from '../refusal.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';
import type { Session } from '../session.ts';

async function run({ session }: UserCall<Named<'IDLE'>>): Promise<Done> {
  session.goOn('Waiting');
  session.connection.isAtRest = true;
  const line = session.input.line();
  try {
    await untilSaid(session, line);
  } finally {
    session.connection.isAtRest = false;
  }
  const said = await line;
  if (said?.toUpperCase() !== 'DONE') throw bad('IDLE ends with DONE');
  return { text: 'Done waiting' };
}

/** Never throws the client's line away; ends when it has come. */
async function untilSaid(session: Session, line: Promise<string | undefined>): Promise<void> {
  let isSaid = false;
  let wake = (): void => {};
  const said = line.finally(() => {
    isSaid = true;
    wake();
  });
  said.catch(() => {});
  while (!isSaid) {
    const { state } = session;
    const view = state.kind === 'selected' ? state.view : undefined;
    const { promise: news, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    if (view !== undefined) view.onnews = resolve;
    if (view?.isStale === true || (view?.gone.size ?? 0) > 0) resolve();
    await news;
    if (view === undefined) continue;
    view.onnews = undefined;
    if (!isSaid) await session.tellNews(view, { expunges: true });
    if (session.state.kind === 'logout') {
      session.connection.end();
      return;
    }
  }
}

export const idle: Rule<'IDLE'> = { where: 'authenticated', news: 'all', run };
