/**
 * access/imap/capabilities - what is offered, and when (RFC 9051 §6.1.1). What stands here is tested.
 */
import type { Session } from './session.ts';

/** Of which every client hears. */
const always = ['IMAP4rev2', 'IMAP4rev1', 'SASL-IR', 'LITERAL+', 'ENABLE', 'ID'] as const;

/** For those who have signed in. */
const signedIn = ['NAMESPACE', 'UNSELECT', 'CHILDREN', 'UIDPLUS'] as const;

export function capabilitiesOf(session: Session): readonly string[] {
  const { connection, state } = session;
  if (state.kind !== 'notAuthenticated')
    return [...always, ...signedIn, ...(connection.isCompressed ? [] : [])];
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
