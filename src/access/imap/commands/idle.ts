/**
 * access/imap/commands/idle - IDLE (RFC 2177; RFC 9051 §6.3.13): news as it comes, until the client says DONE.
 */
import { bad } from '../refusal.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';
import { tellUntil } from '../waiting.ts';

async function run({ session }: UserCall<Named<'IDLE'>>): Promise<Done> {
  session.goOn('Waiting');
  session.connection.isAtRest = true;
  const line = session.input.line();
  try {
    await tellUntil(session, line, true);
  } finally {
    session.connection.isAtRest = false;
  }
  const said = await line;
  if (said?.toUpperCase() !== 'DONE') throw bad('IDLE ends with DONE');
  return { text: 'Done waiting' };
}

export const idle: Rule<'IDLE'> = { where: 'authenticated', news: 'all', run };
