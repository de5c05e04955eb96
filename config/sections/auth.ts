/**
 * config/sections/auth - `auth`: who may enter, and how it is verified.
 *
 * The parsed value fits AuthOptions (src/auth/open.ts); each of `oidc` fits JwtVerifierOptions or IntrospectionOptions
 * (connectors/oidc) but for `ca`, which is a path here and PEM text there; each of `ldap`, together with the directory
 * source that it names, BindVerifierOptions (connectors/ldap/bind-verifier.ts).
 */
import { z } from 'zod';
import {
  domainName,
  duration,
  durationBetween,
  name,
  network,
  readableFile,
  secret,
  sizeBetween,
} from '../units.ts';

const mechanism = z.enum([
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'OAUTHBEARER',
  'XOAUTH2',
  'EXTERNAL',
  'PLAIN',
  'LOGIN',
]);
const service = z.enum(['imap', 'pop3', 'smtp', 'sieve']);

const local = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether accounts may have a password that is kept here.'),
    shortest: z.int().min(1).max(128).default(10).describe('Characters that a new password has at least.'),
    memory: sizeBetween('8MB', '1GB')
      .prefault('19MB')
      .describe(
        'Memory that checking one password takes (argon2id). More makes stolen hashes harder to guess.',
      ),
    passes: z.int().min(1).max(64).default(2).describe('Passes over that memory.'),
    parallelism: z.int().min(1).max(16).default(1).describe('Lanes of one hash.'),
    atOnce: z.int().min(1).max(64).default(2).describe('Passwords checked at once in one process.'),
    waiting: z
      .int()
      .min(0)
      .max(100_000)
      .default(500)
      .describe('Passwords that may wait to be checked. The next client is told to try again later.'),
  })
  .prefault({})
  .describe(
    'Passwords that are kept here. A change of memory or passes reaches each password when it is next used.',
  );

const scram = z
  .strictObject({
    offer: z
      .enum(['auto', 'always', 'never'])
      .default('auto')
      .describe(
        'auto: where all passwords are kept here, since clients that choose SCRAM cannot enter with an LDAP password. App passwords never work with it. never: no SCRAM keys are kept, which a thief could try passwords against faster than against the hash.',
      ),
    iterations: z
      .int()
      .min(4096)
      .max(1_000_000)
      .default(65_536)
      .describe('Work for the client at each sign-in. RFC 7677 asks for 4096 at least.'),
  })
  .prefault({})
  .describe('SCRAM-SHA-256: the password itself never travels.');

const ldap = z
  .strictObject({
    source: name.describe('The directory source of kind ldap whose servers and reading account are used.'),
    bases: z
      .array(z.string().regex(/=/, 'expected a distinguished name such as OU=People,DC=example,DC=org'))
      .default([])
      .describe('Where people are. Those of the source when left out.'),
    filter: z
      .string()
      .regex(
        /^\(.*\{(name|local)\}.*\)$/s,
        'expected an LDAP filter in parentheses with {name} or {local} in it',
      )
      .exactOptional()
      .describe(
        'Finds one person: {name} is the whole name, {local} and {domain} are its parts. When left out: by address, as the preset of the source has it.',
      ),
    atOnce: z
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe('Connections for passwords at once in one process.'),
  })
  .describe('Passwords checked by binding to the directory with them.');

const urlText = 'expected a URL with https://';
const url = z
  .string({ error: urlText })
  .regex(/^https:\/\/[^\s?#]+$|^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/[^\s?#]*)?$/, urlText);

const scopeOf = (what: string) => z.string().min(1).exactOptional().describe(what);

const serviceScopes = z
  .strictObject({
    imap: scopeOf('To read by IMAP, such as IMAP.AccessAsUser.All.'),
    pop3: scopeOf('To read by POP3.'),
    smtp: scopeOf('To send, such as SMTP.Send.'),
    sieve: scopeOf('To keep Sieve scripts.'),
  })
  .prefault({})
  .describe('Scopes that tokens must have for a service. A service that is left out needs none of its own.');

const issuer = {
  issuer: url.describe('The issuer, letter for letter as in its tokens and in its discovery document.'),
  subjectClaims: z
    .array(z.string().min(1))
    .min(1, 'expected at least one claim')
    .default(['email', 'preferred_username'])
    .describe('Claims that name the account; the first that a token has counts.'),
  requiredScope: z.string().min(1).exactOptional().describe('A scope that tokens must have for anything.'),
  serviceScopes,
  domains: z
    .array(domainName)
    .default([])
    .describe('Domains whose people it may speak for. Empty: all, so only one issuer should be so.'),
  timeout: durationBetween('100ms', '1m').prefault('5s').describe('For each answer of the issuer.'),
  ca: readableFile
    .exactOptional()
    .describe("PEM file of the authorities for its certificate. The system's when left out."),
} as const;

const oidc = z
  .discriminatedUnion('check', [
    z.strictObject({
      check: z.literal('jwt').describe("jwt: signed tokens, checked here by the issuer's keys."),
      ...issuer,
      audiences: z
        .array(z.string().min(1))
        .min(1, 'expected at least one audience: tokens for other programs would let in too')
        .describe('Audiences of tokens that are for us.'),
      jwksUri: url.exactOptional().describe('Where its keys are. Found by discovery when left out.'),
      clockTolerance: durationBetween('0ms', '10m').prefault('1m').describe('By how much clocks may differ.'),
    }),
    z.strictObject({
      check: z
        .literal('introspection')
        .describe('introspection: the issuer is asked about each token (RFC 7662).'),
      ...issuer,
      audiences: z
        .array(z.string().min(1))
        .default([])
        .describe('Audiences of tokens that are for us. Empty where the issuer does not say.'),
      endpoint: url.exactOptional().describe('Where it is asked. Found by discovery when left out.'),
      clientId: z.string().min(1).describe('As whom we ask.'),
      clientSecret: secret.describe('The secret of that client.'),
      cacheFor: durationBetween('0ms', '10m')
        .prefault('30s')
        .describe('For how long a good token is not asked about again; a revoked one lives on for so long.'),
      atOnce: z.int().min(1).max(10_000).default(50).describe('Questions at once in one process.'),
    }),
  ])
  .describe('An identity provider whose access tokens let in.');

const master = z
  .strictObject({
    name: z.string().min(1).describe('The name that the administrator signs in with.'),
    services: z.array(service).default([]).describe('What for. Empty: everything.'),
    domains: z.array(domainName).default([]).describe('Domains of the accounts. Empty: all.'),
  })
  .describe('An administrator who may open the mail of others. Each time is written into the audit.');

const throttle = z
  .strictObject({
    window: durationBetween('1s', '1d').prefault('10m').describe('For how long a failure counts.'),
    failures: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('Of one account within the window, before it is blocked.'),
    networkFailures: z
      .int()
      .min(1)
      .max(100_000)
      .default(50)
      .describe('From one IPv4 address or IPv6 /64 within the window, before that is blocked.'),
    block: durationBetween('1s', '1d')
      .prefault('1m')
      .describe('Length of the first block. Each next one is twice as long.'),
    blockMost: durationBetween('1s', '30d').prefault('1h').describe('Length of the longest block.'),
    atOnce: z
      .int()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Sign-ins being checked at once for one account.'),
    networkAtOnce: z
      .int()
      .min(1)
      .max(100_000)
      .default(200)
      .describe('Sign-ins being checked at once for one network.'),
    remember: duration
      .prefault('30d')
      .describe(
        'How long an account can enter from a network it entered from, though it is blocked elsewhere.',
      ),
    trusted: z
      .array(network)
      .default([])
      .describe('Webmail and proxies: networks that are not counted, as many people come from there.'),
  })
  .prefault({})
  .describe('How often somebody may be wrong. The same wrong password again counts once.');

export const authSection = z
  .strictObject({
    mechanisms: z
      .array(mechanism)
      .default([])
      .describe('What may be offered. Empty: all. What nothing here verifies is not offered anyway.'),
    defaultDomain: domainName.exactOptional().describe('Put behind names that people type without a domain.'),
    masterSeparator: z
      .string()
      .regex(/^[!-,./:-?[-`{-~]?$/, 'expected one sign that is no letter, digit, "-" or "@", or nothing')
      .default('*')
      .describe('Between an account and the administrator who opens it: ada*admin. "": not that way.'),
    withoutTls: z
      .array(network)
      .default([])
      .describe(
        'Networks from which people sign in without TLS, such as 127.0.0.1. Passwords can be read on the way.',
      ),
    failureDelay: durationBetween('0ms', '30s')
      .prefault('2s')
      .describe('How long whoever is not let in waits for the answer.'),
    local,
    appPasswords: z
      .boolean()
      .default(true)
      .describe(
        'Whether people may have passwords for one program each, made by `isthmus account app-password`.',
      ),
    scram,
    ldap: z.array(ldap).default([]).describe('Directories that check passwords, in this order.'),
    oidc: z.array(oidc).default([]).describe('Identity providers, for OAUTHBEARER and XOAUTH2.'),
    certificates: z
      .enum(['ignore', 'mailAddress'])
      .default('ignore')
      .describe(
        'mailAddress: a client certificate that the listener has verified lets in whoever its one mail address names (EXTERNAL).',
      ),
    masters: z.array(master).default([]).describe('Who may open the mail of others.'),
    throttle,
    auditKeep: durationBetween('1d', '3650d')
      .prefault('400d')
      .describe('How long it is kept who entered, who opened whose mail, and who changed passwords.'),
  })
  .prefault({})
  .describe('Who may enter, by IMAP, POP3, ManageSieve and submission.');
