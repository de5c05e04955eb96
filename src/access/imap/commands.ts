/**
 * access/imap/commands - which command is carried out by which rule. What is not here is not known to the client.
 */
import type { Command } from '../../protocol/imap/request/command.ts';
import { authenticate } from './commands/authenticate.ts';
import { cancelUpdate } from './commands/cancel-update.ts';
import { capability } from './commands/capability.ts';
import { close, unselect } from './commands/close.ts';
import { compress } from './commands/compress.ts';
import { copy, move } from './commands/copy.ts';
import { create } from './commands/create.ts';
import { remove } from './commands/delete.ts';
import { enable } from './commands/enable.ts';
import { esearch } from './commands/esearch.ts';
import { expunge } from './commands/expunge.ts';
import { fetch } from './commands/fetch.ts';
import { getAcl } from './commands/getacl.ts';
import { getMetadata } from './commands/getmetadata.ts';
import { getQuota, getQuotaRoot, setQuota } from './commands/getquota.ts';
import { id } from './commands/id.ts';
import { idle } from './commands/idle.ts';
import { list, lsub } from './commands/list.ts';
import { listRights } from './commands/listrights.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { myRights } from './commands/myrights.ts';
import { namespace } from './commands/namespace.ts';
import { check, noop } from './commands/noop.ts';
import { notify } from './commands/notify.ts';
import { rename } from './commands/rename.ts';
import { search } from './commands/search.ts';
import { examine, select } from './commands/select.ts';
import { deleteAcl, setAcl } from './commands/setacl.ts';
import { setMetadata } from './commands/setmetadata.ts';
import { sort } from './commands/sort.ts';
import { starttls } from './commands/starttls.ts';
import { status } from './commands/status.ts';
import { store } from './commands/store.ts';
import { subscribe, unsubscribe } from './commands/subscribe.ts';
import { thread } from './commands/thread.ts';
import { uidBatches } from './commands/uid-batches.ts';
import { unauthenticate } from './commands/unauthenticate.ts';
import type { Rule } from './rule.ts';

type Rules = { readonly [Name in Command['name']]?: Rule<Name> };

const rules: Rules = {
  // RFC 9051 §6.1: in any state
  CAPABILITY: capability,
  NOOP: noop,
  LOGOUT: logout,
  ID: id,
  COMPRESS: compress,
  // §6.2: before sign-in
  STARTTLS: starttls,
  AUTHENTICATE: authenticate,
  LOGIN: login,
  // §6.3: after it
  ENABLE: enable,
  SELECT: select,
  EXAMINE: examine,
  CREATE: create,
  DELETE: remove,
  RENAME: rename,
  SUBSCRIBE: subscribe,
  UNSUBSCRIBE: unsubscribe,
  LIST: list,
  LSUB: lsub,
  NAMESPACE: namespace,
  STATUS: status,
  IDLE: idle,
  UNAUTHENTICATE: unauthenticate,
  // RFC 4314, 9208, 5464
  GETACL: getAcl,
  SETACL: setAcl,
  DELETEACL: deleteAcl,
  LISTRIGHTS: listRights,
  MYRIGHTS: myRights,
  GETQUOTA: getQuota,
  GETQUOTAROOT: getQuotaRoot,
  SETQUOTA: setQuota,
  GETMETADATA: getMetadata,
  SETMETADATA: setMetadata,
  // RFC 5465, 7377
  NOTIFY: notify,
  ESEARCH: esearch,
  // §6.4: in a mailbox
  CHECK: check,
  CLOSE: close,
  UNSELECT: unselect,
  EXPUNGE: expunge,
  SEARCH: search,
  SORT: sort,
  THREAD: thread,
  CANCELUPDATE: cancelUpdate,
  FETCH: fetch,
  STORE: store,
  COPY: copy,
  UIDBATCHES: uidBatches,
  MOVE: move,
};

export const ruleOf = <Name extends Command['name']>(name: Name): Rules[Name] => rules[name];
