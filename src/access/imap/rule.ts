/**
 * access/imap/rule - how a command is carried out: what a file in access/imap/commands exports.
 *
 * To add a command: a file of its own there with a `Rule`, a line in access/imap/commands (the table), and its
 * capability in access/imap/capabilities once its tests pass. A rule says in which states the command may come and what
 * may be told of the selected mailbox before its tagged answer; it gets what that state knows, says its untagged
 * answers with `session.say`, and returns the words of its OK. For NO and BAD it throws a Refusal (access/imap/refusal);
 * what else is thrown there is put into the client's words by the table in that file. Commands run one after the other,
 * and nothing is read from the client meanwhile, but by the command itself (IDLE, AUTHENTICATE).
 */
import type { Command } from '../../protocol/imap/request/command.ts';
import type { Said } from '../../protocol/imap/respond/status.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';
import type { View } from './view.ts';

export type Named<Name extends Command['name']> = Command & { readonly name: Name };

/**
 * What is told of the selected mailbox when the command is done. `noExpunge`: sequence numbers stay as they are, as for
 * FETCH, STORE and SEARCH (RFC 9051 §7.5.1). `ask`: the store is asked even if nothing was heard.
 */
export type News = 'none' | 'noExpunge' | 'all' | 'ask';

/** OK, and what is done when it has been said (STARTTLS, COMPRESS). */
export interface Done extends Said {
  readonly after?: () => Promise<void> | void;
}

export interface Call<C> {
  readonly session: Session;
  readonly tag: string;
  readonly command: C;
}

export interface UserCall<C> extends Call<C> {
  readonly user: User;
}

export interface ViewCall<C> extends UserCall<C> {
  readonly view: View;
}

type NewsFor<C> = News | ((command: C) => News);

export type Rule<Name extends Command['name']> =
  | {
      readonly where: 'any' | 'notAuthenticated';
      readonly news: NewsFor<Named<Name>>;
      run(call: Call<Named<Name>>): Promise<Done> | Done;
    }
  | {
      /** Selected too. */
      readonly where: 'authenticated';
      readonly news: NewsFor<Named<Name>>;
      run(call: UserCall<Named<Name>>): Promise<Done> | Done;
    }
  | {
      readonly where: 'selected';
      readonly news: NewsFor<Named<Name>>;
      run(call: ViewCall<Named<Name>>): Promise<Done> | Done;
    };
