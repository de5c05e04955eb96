/**
 * protocol/imap/request/rights - who may do what, and how much: ACL (RFC 4314 §3) and QUOTA (RFC 9208 §4.1).
 */
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { mailboxName } from './words.ts';

export type RightsCommand =
  | { readonly name: 'GETACL' | 'MYRIGHTS' | 'GETQUOTAROOT'; readonly mailbox: string }
  /** Identifiers are Unicode; one with `-` before it takes rights away. */
  | {
      readonly name: 'DELETEACL' | 'LISTRIGHTS';
      readonly mailbox: string;
      readonly identifier: string;
    }
  | {
      readonly name: 'SETACL';
      readonly mailbox: string;
      readonly identifier: string;
      readonly change: 'add' | 'remove' | 'replace';
      /** Letters and digits as said: RFC 2086's `c` and `d` are among them. */
      readonly rights: string;
    }
  | { readonly name: 'GETQUOTA'; readonly root: string }
  /** In units of the resource: STORAGE is 1024 octets (RFC 9208 §5.1). */
  | {
      readonly name: 'SETQUOTA';
      readonly root: string;
      readonly limits: readonly (readonly [resource: string, limit: number])[];
    };

export function ofMailbox(lexer: Lexer, name: 'GETACL' | 'MYRIGHTS' | 'GETQUOTAROOT'): RightsCommand {
  lexer.space();
  return { name, mailbox: mailboxName(lexer) };
}

export function ofIdentifier(lexer: Lexer, name: 'DELETEACL' | 'LISTRIGHTS'): RightsCommand {
  lexer.space();
  const mailbox = mailboxName(lexer);
  lexer.space();
  return { name, mailbox, identifier: lexer.words('an identifier') };
}

export function setAcl(lexer: Lexer): RightsCommand {
  lexer.space();
  const mailbox = mailboxName(lexer);
  lexer.space();
  const identifier = lexer.words('an identifier');
  lexer.space();
  const said = lexer.astring('rights');
  const change = said.startsWith('+') ? 'add' : said.startsWith('-') ? 'remove' : 'replace';
  const rights = change === 'replace' ? said : said.slice(1);
  if (!/^[a-z0-9]*$/.test(rights)) throw new RequestFault('rights are lower-case letters and digits');
  return { name: 'SETACL', mailbox, identifier, change, rights };
}

export function getQuota(lexer: Lexer): RightsCommand {
  lexer.space();
  return { name: 'GETQUOTA', root: lexer.words('a quota root') };
}

export function setQuota(lexer: Lexer): RightsCommand {
  lexer.space();
  const root = lexer.words('a quota root');
  lexer.space();
  const limits = lexer.list(
    (): readonly [string, number] => {
      const resource = lexer.word('a resource');
      lexer.space();
      return [resource, lexer.number64('a limit')];
    },
    { empty: true },
  );
  return { name: 'SETQUOTA', root, limits };
}
