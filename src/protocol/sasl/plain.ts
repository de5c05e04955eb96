/**
 * protocol/sasl/plain - PLAIN (RFC 4616), and LOGIN, which has no RFC and many clients (draft-murchison-sasl-login).
 *
 * Both hand over the password itself, so they are for TLS only; whoever offers mechanisms sees to that. Nothing is
 * prepared here: some verifiers (an LDAP bind) want the octets as they came, others prepare() first.
 */
import { challenge, failed, malformed, once, opening, type Step, textOf } from './step.ts';

/** Octets. RFC 4616 §2 asks for 255 of each; passwords of machines are longer. */
const partAtMost = 1024;

/** RFC 4616 §2: `[authzid] NUL authcid NUL passwd`. */
export const plain = (initial: Uint8Array | undefined): Step =>
  opening(initial, 3 * partAtMost + 2, (response) => {
    const text = textOf(response);
    if (text === undefined) return malformed('PLAIN: not UTF-8');
    const [authorizationId, authenticationId, password, ...rest] = text.split('\0');
    if (authorizationId === undefined || authenticationId === undefined || password === undefined)
      return malformed('PLAIN: fewer than three parts');
    if (rest.length > 0) return malformed('PLAIN: more than three parts');
    return askPassword('PLAIN', authenticationId, password, authorizationId || undefined);
  });

/** The words of the challenges are what clients look for. A name with the command is taken, though the draft has none. */
export const login = (initial: Uint8Array | undefined): Step => {
  const withName = (response: Uint8Array): Step => {
    const name = textOf(response);
    if (name === undefined || name.includes('\0'))
      return malformed('LOGIN: the name is not UTF-8 without NUL');
    return challenge('Password:', partAtMost, (answer) => {
      const password = textOf(answer);
      if (password === undefined || password.includes('\0'))
        return malformed('LOGIN: the password is not UTF-8 without NUL');
      return askPassword('LOGIN', name, password, undefined);
    });
  };
  return initial === undefined || initial.length === 0
    ? challenge('Username:', partAtMost, withName)
    : opening(initial, partAtMost, withName);
};

function askPassword(
  mechanism: string,
  authenticationId: string,
  password: string,
  authorizationId: string | undefined,
): Step {
  if (authenticationId === '') return malformed(`${mechanism}: no name`);
  // An LDAP server takes a bind with a name and no password for an anonymous one, and lets it in (RFC 4513 §5.1.2).
  if (password === '') return malformed(`${mechanism}: no password`);
  if (
    [authenticationId, password, authorizationId ?? ''].some((part) => Buffer.byteLength(part) > partAtMost)
  )
    return malformed(`${mechanism}: a part has more than ${partAtMost} octets`);
  return {
    kind: 'ask',
    question: 'password',
    authenticationId,
    password,
    answer: once((isRight) =>
      isRight
        ? { kind: 'done', authenticationId, authorizationId }
        : failed('credentials', `${mechanism}: wrong name or password`),
    ),
  };
}
