/**
 * protocol/smtp/client-auth - how a client proves who it is (RFC 4954): PLAIN (RFC 4616), LOGIN, XOAUTH2.
 *
 * A mechanism is the responses in order, each in base64. The first one goes with the AUTH command where the mechanism
 * lets the client begin; the others answer 334. XOAUTH2's `password` is the access token; its error challenge (334
 * with a JSON text) is answered by an empty response, and the refusal follows.
 */
export const mechanisms = ['PLAIN', 'LOGIN', 'XOAUTH2'] as const;
export type Mechanism = (typeof mechanisms)[number];

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** The best that the server has when absent; XOAUTH2 is used only when named. */
  readonly mechanism?: Mechanism;
}

/** The mechanism to use with a server that offers `offered`; undefined when there is none in common. */
export function chooseMechanism(
  offered: ReadonlySet<string>,
  wanted: Mechanism | undefined,
): Mechanism | undefined {
  if (wanted !== undefined) return offered.has(wanted) ? wanted : undefined;
  return (['PLAIN', 'LOGIN'] as const).find((mechanism) => offered.has(mechanism));
}

/** Lines to send, CRLF ended: the AUTH command, then one for each 334. */
export function authLines(mechanism: Mechanism, { user, password }: Credentials): readonly string[] {
  switch (mechanism) {
    case 'PLAIN':
      return [`AUTH PLAIN ${base64(`\0${user}\0${password}`)}\r\n`];
    case 'LOGIN':
      return ['AUTH LOGIN\r\n', `${base64(user)}\r\n`, `${base64(password)}\r\n`];
    case 'XOAUTH2':
      return [`AUTH XOAUTH2 ${base64(`user=${user}\x01auth=Bearer ${password}\x01\x01`)}\r\n`, '\r\n'];
  }
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
