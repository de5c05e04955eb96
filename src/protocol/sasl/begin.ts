/**
 * protocol/sasl/begin - the mechanisms by name, and the first step of each.
 */
import { oauthBearer, xoauth2 } from './bearer.ts';
import { external } from './external.ts';
import { login, plain } from './plain.ts';
import { type ScramOptions, scram } from './scram.ts';
import { failed, type Step } from './step.ts';

/** Best first. */
export const saslMechanisms = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'OAUTHBEARER',
  'XOAUTH2',
  'EXTERNAL',
  'PLAIN',
  'LOGIN',
] as const;
export type SaslMechanism = (typeof saslMechanisms)[number];

export type SaslOptions = ScramOptions;

const beginnings: Readonly<
  Record<SaslMechanism, (initial: Uint8Array | undefined, options: SaslOptions) => Step>
> = {
  'SCRAM-SHA-256-PLUS': scram(true),
  'SCRAM-SHA-256': scram(false),
  OAUTHBEARER: oauthBearer,
  XOAUTH2: xoauth2,
  EXTERNAL: external,
  PLAIN: plain,
  LOGIN: login,
};

/**
 * `mechanism` in any case; whether it is offered here was asked before. `initial`: the decoded initial response,
 * empty where the client sent `=`, undefined where it sent none.
 */
export function beginSasl(mechanism: string, options: SaslOptions, initial?: Uint8Array): Step {
  const name = knownMechanism(mechanism);
  return name === undefined ? failed('mechanism', 'no such mechanism') : beginnings[name](initial, options);
}

export const knownMechanism = (mechanism: string): SaslMechanism | undefined =>
  saslMechanisms.find((name) => name === mechanism.toUpperCase());
