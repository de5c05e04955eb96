/**
 * access/imap/capabilities - what is offered, and when (RFC 9051 §6.1.1). What stands here is tested.
 */
import type { Session } from './session.ts';

/** Of which every client hears. */
const always = ['IMAP4rev2', 'IMAP4rev1', 'SASL-IR', 'LITERAL+', 'ENABLE', 'ID'] as const;

/** For those who have signed in, with the RFC that says what it is. */
const signedIn = [
  'NAMESPACE', // 2342
  'ACL', // 4314
  'RIGHTS=kxte',
  'QUOTA', // 9208
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'METADATA', // 5464
  'CHILDREN', // 3348
  'UNSELECT', // 3691
  'UIDPLUS', // 4315
  'IDLE', // 2177
  'MULTIAPPEND', // 3502
  'BINARY', // 3516
  'CATENATE', // 4469
  'ESEARCH', // 4731
  'SORT', // 5256
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'THREAD=REFS',
  'ESORT', // 5267
  'CONTEXT=SEARCH',
  'CONTEXT=SORT',
  'SORT=DISPLAY', // 5957
  'WITHIN', // 5032
  'SEARCHRES', // 5182
  'I18NLEVEL=1', // 5255
  'LIST-EXTENDED', // 5258
  'LIST-STATUS', // 5819
  'SPECIAL-USE', // 6154
  'CREATE-SPECIAL-USE',
  'MOVE', // 6851
  'UTF8=ACCEPT', // 6855
  'CONDSTORE', // 7162
  'QRESYNC',
  'UNAUTHENTICATE', // 8437
  'NOTIFY', // 5465
  'MULTISEARCH', // 7377
  'STATUS=SIZE', // 8438
  'LIST-MYRIGHTS', // 8440
  'OBJECTID', // 8474
  'REPLACE', // 8508
  'SAVEDATE', // 8514
  'PREVIEW', // 8970
  'PARTIAL', // 9394
  'INPROGRESS', // 9585
  'UIDONLY', // 9586
  'LIST-METADATA', // 9590
  'UIDBATCHES', // 10022
] as const;

const limitsOf = ({ options: { limits, messageLimit } }: Session): readonly string[] => [
  `APPENDLIMIT=${limits.message}`, // RFC 7889
  ...(messageLimit === 0 ? [] : [`MESSAGELIMIT=${messageLimit}`]), // RFC 9738
];

export function capabilitiesOf(session: Session): readonly string[] {
  const { connection, state } = session;
  const compress = connection.isCompressed || !session.options.compress ? [] : ['COMPRESS=DEFLATE']; // RFC 4978
  if (state.kind !== 'notAuthenticated') return [...always, ...signedIn, ...limitsOf(session), ...compress];
  const mechanisms = session.mayAuthenticate
    ? session.deps.authenticator.mechanisms(session.channel).map((name) => `AUTH=${name}`)
    : [];
  return [
    ...always,
    ...(connection.mayStartTls ? ['STARTTLS'] : []),
    ...(session.mayLogin ? [] : ['LOGINDISABLED']),
    ...mechanisms,
  ];
}
