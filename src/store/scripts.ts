/**
 * store/scripts - the Sieve scripts of hosted accounts (ports/scripts, Scripts; RFC 5804).
 *
 * Contents were checked by whoever puts them: here they are text within bounds. Changes to one account's scripts go one by one.
 */
import type { AccountId } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { type Script, type ScriptFault, type Scripts, ScriptTrouble } from '../ports/scripts.ts';
import type { Changed } from './changed.ts';
import { inStoreWords } from './faults.ts';

export interface ScriptLimits {
  /** Octets of one. */
  readonly size: number;
  readonly perAccount: number;
  /** Octets of all of an account. */
  readonly total: number;
}

export const usualScriptLimits: ScriptLimits = { size: 1_048_576, perAccount: 50, total: 4_194_304 };

export interface ScriptsOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly limits: { readonly scripts: ScriptLimits };
}

export function openScripts(options: ScriptsOptions): Scripts {
  const { database, limits } = options;
  return {
    list: (account) =>
      inStoreWords(() =>
        database.query<Script>(
          'select name, active, octet_length(content) as size from script where account = $1 order by name',
          [account],
        ),
      ),
    get: (account, name) =>
      inStoreWords(async () => {
        const [row] = await database.query<{ content: string }>(
          'select content from script where account = $1 and name = $2',
          [account, name],
        );
        return row?.content;
      }),
    active: (account) =>
      inStoreWords(async () => {
        const [row] = await database.query<{ name: string; content: string }>(
          'select name, content from script where account = $1 and active',
          [account],
        );
        return row;
      }),
    put: (account, name, content) =>
      change(options, account, (tx) => put(tx, account, name, content, limits.scripts)),
    activate: (account, name) => change(options, account, (tx) => activate(tx, account, name)),
    remove: (account, name) => change(options, account, (tx) => remove(tx, account, name)),
    rename: (account, from, to) => change(options, account, (tx) => rename(tx, account, from, to)),
    room: (account, name, size) => inStoreWords(() => room(database, account, name, size, limits.scripts)),
  };
}

function change(
  { database, changed }: ScriptsOptions,
  account: AccountId,
  work: (tx: Queryable) => Promise<void>,
): Promise<void> {
  return inStoreWords(async () => {
    await database.transaction(async (tx) => {
      const rows = await tx.query('select from account where id = $1 for no key update', [account]);
      if (rows.length === 0) throw new ScriptTrouble('missing', 'there is no such account');
      await work(tx);
    });
    changed.tree(account);
  });
}

/** RFC 5804 §1.6. */
function refuseBadName(name: string): void {
  const length = [...name].length;
  if (length < 1 || length > 128 || !name.isWellFormed() || /[\p{Cc}\u2028\u2029]/u.test(name))
    throw new ScriptTrouble(
      'badName',
      'a script is named by 1 to 128 characters, none of them a control character',
    );
}

const fullWords: Record<'tooBig' | 'tooMany' | 'quota', (limits: ScriptLimits) => string> = {
  tooBig: ({ size }) => `a script can have ${size} octets, no more`,
  tooMany: ({ perAccount }) => `an account can have ${perAccount} scripts, no more`,
  quota: ({ total }) => `the scripts of an account can have ${total} octets together, no more`,
};

async function put(
  tx: Queryable,
  account: AccountId,
  name: string,
  content: string,
  limits: ScriptLimits,
): Promise<void> {
  refuseBadName(name);
  if (content.includes('\0'))
    throw new TypeError('a script with NUL in it was not checked before it was put');
  const free = await room(tx, account, name, Buffer.byteLength(content), limits);
  if (free !== 'room') throw new ScriptTrouble('quota', fullWords[free](limits));
  await tx.query(
    `insert into script (account, name, content) values ($1, $2, $3)
     on conflict (account, name) do update set content = excluded.content`,
    [account, name, content],
  );
}

async function room(
  tx: Queryable,
  account: AccountId,
  name: string,
  size: number,
  limits: ScriptLimits,
): ReturnType<Scripts['room']> {
  if (size > limits.size) return 'tooBig';
  const [others] = await tx.query<{ count: number; size: number }>(
    `select count(*), coalesce(sum(octet_length(content)), 0)::bigint as size from script
     where account = $1 and name <> $2`,
    [account, name],
  );
  if ((others?.count ?? 0) >= limits.perAccount) return 'tooMany';
  return (others?.size ?? 0) + size > limits.total ? 'quota' : 'room';
}

async function state(
  tx: Queryable,
  account: AccountId,
  name: string,
): Promise<'missing' | 'active' | 'idle'> {
  const [row] = await tx.query<{ active: boolean }>(
    'select active from script where account = $1 and name = $2',
    [account, name],
  );
  if (!row) return 'missing';
  return row.active ? 'active' : 'idle';
}

const trouble = (fault: ScriptFault, name: string): ScriptTrouble =>
  new ScriptTrouble(
    fault,
    fault === 'missing' ? `there is no script ${name}` : `there is a script ${name} already`,
  );

async function activate(tx: Queryable, account: AccountId, name: string | undefined): Promise<void> {
  if (name !== undefined && (await state(tx, account, name)) === 'missing') throw trouble('missing', name);
  await tx.query('update script set active = false where account = $1 and active', [account]);
  await tx.query('update script set active = true where account = $1 and name = $2', [account, name]);
}

async function remove(tx: Queryable, account: AccountId, name: string): Promise<void> {
  const found = await state(tx, account, name);
  if (found === 'missing') throw trouble('missing', name);
  if (found === 'active')
    throw new ScriptTrouble('active', `${name} is the active script: activate another or none first`);
  await tx.query('delete from script where account = $1 and name = $2', [account, name]);
}

async function rename(tx: Queryable, account: AccountId, from: string, to: string): Promise<void> {
  refuseBadName(to);
  if ((await state(tx, account, from)) === 'missing') throw trouble('missing', from);
  if ((await state(tx, account, to)) !== 'missing') throw trouble('exists', to);
  await tx.query('update script set name = $3 where account = $1 and name = $2', [account, from, to]);
}
