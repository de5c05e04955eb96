/** access/imap/commands/id - ID (RFC 2971): names are exchanged; nothing is decided by them. */
import { id as printId } from '../../../protocol/imap/respond/mailboxes.ts';
import type { Rule } from '../rule.ts';

/** What is worth a line in the log. */
const told = ['name', 'version', 'os', 'vendor'];

export const id: Rule<'ID'> = {
  where: 'any',
  news: 'none',
  run({ session, command }) {
    const { connection, options } = session;
    const client: Record<string, string> = {};
    for (const [name, value] of command.fields ?? []) {
      if (value !== undefined && told.includes(name.toLowerCase())) client[name.toLowerCase()] = value;
    }
    if (Object.keys(client).length > 0) connection.log.debug({ ip: connection.ip, client }, 'client');
    const { name, version } = options.product;
    session.say(
      printId(
        new Map([['name', name], ...(version === undefined ? [] : [['version', version] as const])]),
        session.dialect,
      ),
    );
    return { text: 'Pleased to meet you' };
  },
};
