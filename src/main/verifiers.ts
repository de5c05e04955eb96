/**
 * main/verifiers - those outside who can tell whether a password or a token is right, as the configuration names them.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { BindVerifier, usualFilters } from '../../connectors/ldap/bind-verifier.ts';
import { IntrospectionVerifier } from '../../connectors/oidc/introspection-verifier.ts';
import { JwtVerifier } from '../../connectors/oidc/jwt-verifier.ts';
import type { PasswordVerifier, TokenVerifier } from '../ports/authenticator.ts';
import type { Settings } from './settings.ts';

/** Milliseconds for which a password that was right is not asked about again. */
const rememberFor = 60_000;

/** Throws when a source that is named is none, or none of kind ldap. */
export const makePasswordVerifiers = ({ auth, directory }: Config): readonly PasswordVerifier[] =>
  auth.ldap.map(({ source: name, bases, filter, atOnce }) => {
    const source = directory.sources.find((one) => one.name === name);
    if (source?.kind !== 'ldap')
      throw new Error(`auth.ldap: ${name} is not the name of a directory source of kind ldap`);
    const people = {
      bases: bases.length > 0 ? bases : source.bases,
      filter: filter ?? usualFilters[source.preset],
    };
    // Mail programs sign in every few minutes.
    return new BindVerifier(
      { ...source, ...people, atOnce },
      { forMs: rememberFor, secret: randomBytes(32) },
    );
  });

export const makeTokenVerifiers = (
  { config, oidcAuthorities }: Settings,
  now: () => number,
): readonly TokenVerifier[] =>
  config.auth.oidc.map(({ ca: _file, ...options }, index) => {
    const ca = oidcAuthorities[index];
    const authority = ca === undefined ? {} : { ca };
    return options.check === 'jwt'
      ? new JwtVerifier({ ...options, ...authority }, now)
      : new IntrospectionVerifier({ ...options, ...authority }, now);
  });
