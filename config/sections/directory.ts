/**
 * config/sections/directory - `directory`: who is who, and from where we know.
 *
 * The parsed value fits RefresherOptions and, with the names of the sources, DirectoryOptions (src/directory); each
 * source fits LdapOptions (connectors/ldap), LdifOptions or CsvOptions (connectors/files), or AccountsOptions
 * (connectors/accounts).
 */
import { z } from 'zod';
import {
  certificatePair,
  durationBetween,
  filePath,
  name,
  readableFile,
  secret,
  sizeBetween,
} from '../units.ts';

const attributeText = 'expected the name of an LDAP attribute';
const attribute = z
  .string({ error: attributeText })
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$|^\d+(\.\d+)+$/, attributeText);
const attributeNames = (what: string) => z.array(attribute).exactOptional().describe(what);

const attributes = z
  .strictObject({
    id: attributeNames('A name that outlives renaming: objectGUID, entryUUID.'),
    displayName: attributeNames('The name for people.'),
    primary: attributeNames('The primary address.'),
    aliases: attributeNames('More addresses.'),
    proxyAddresses: attributeNames('Typed addresses: SMTP: is the primary one, smtp: and X500: are others.'),
    targetAddress: attributeNames('Where mail is sent on to.'),
    kind: attributeNames('One of user, shared, room, equipment, contact, group, publicFolder.'),
    hidden: attributeNames('TRUE: not in address lists.'),
    members: attributeNames('Members of groups, by DN.'),
    memberUids: attributeNames('Members of groups, by uid.'),
    memberAddresses: attributeNames('Members of groups, by address.'),
    owners: attributeNames('Owners of groups, by DN.'),
    moderated: attributeNames('TRUE: messages to the group need a moderator.'),
    internalOnly: attributeNames('TRUE: only authenticated senders may write to the group.'),
    uid: attributeNames('What memberUids refer to.'),
  })
  .prefault({})
  .describe('What is called otherwise than in the preset. Several names: the first that has a value counts.');

const homes = z
  .strictObject({
    local: name
      .default('onprem')
      .describe(
        "Site of mailboxes that Exchange's recipient type says are in this Active Directory's own Exchange.",
      ),
    remote: name.default('cloud').describe('Site of mailboxes that it says are remote.'),
    attribute: attribute
      .exactOptional()
      .describe(
        'An attribute that says where the mailbox is. mailHost (openldap) or zimbraMailHost when left out.',
      ),
    values: z
      .record(z.string(), name)
      .default({})
      .meta({ examples: [{ 'mail1.example.org': 'onprem' }] })
      .describe('Its values, and the site that each means. They win over the recipient type.'),
  })
  .prefault({})
  .describe('Where people live, by what the directory says.');

const mapping = {
  name: name.describe(
    'Begins the ids of its entries: changing it makes all of them new, and forgets cut-overs.',
  ),
  preset: z
    .enum(['activeDirectory', 'openldap', 'zimbra'])
    .describe('What things are called: Active Directory with or without Exchange, OpenLDAP, or Zimbra.'),
  attributes,
  keep: z.array(attribute).default([]).describe('Attributes to keep for routing rules.'),
  homes,
};

const serverText = 'expected a URL such as ldaps://dc1.example.org or ldap://dc2.example.org:389';
const dnText = 'expected a distinguished name such as OU=People,DC=example,DC=org';
const dn = z.string({ error: dnText }).regex(/=/, dnText);

const bind = z
  .discriminatedUnion('method', [
    z.strictObject({ method: z.literal('anonymous').describe('anonymous: without a password.') }),
    z.strictObject({
      method: z.literal('simple').describe('simple: name and password.'),
      dn: z
        .string()
        .min(1)
        .describe('DN of the account that reads; Active Directory also takes user@example.org.'),
      password: secret.describe('Its password.'),
    }),
    z.strictObject({
      method: z.literal('plain').describe('plain: SASL PLAIN.'),
      user: z.string().min(1).describe('The account that reads.'),
      password: secret.describe('Its password.'),
    }),
    z.strictObject({
      method: z.literal('external').describe('external: SASL EXTERNAL, by tls.certificate.'),
    }),
  ])
  .describe('Who we are to the directory. An account that may read, and nothing else, is enough.');

const tls = z
  .strictObject({
    startTls: z
      .enum(['require', 'never'])
      .default('require')
      .describe('For ldap:// servers. never: passwords and people go over the network in the clear.'),
    ca: readableFile
      .exactOptional()
      .describe("PEM file of the authorities that certificates are verified by. The system's when left out."),
    verify: z.boolean().default(true).describe('false: anyone may pretend to be the directory.'),
    serverName: z
      .string()
      .min(1)
      .exactOptional()
      .describe('The name in the certificates, where it is not the one in the URL.'),
    certificate: certificatePair.exactOptional().describe('What we show, for bind method external.'),
  })
  .prefault({})
  .describe('How connections are secured.');

const ldap = z.strictObject({
  kind: z.literal('ldap').describe('ldap: an LDAP server.'),
  ...mapping,
  servers: z
    .array(z.string({ error: serverText }).regex(/^ldaps?:\/\/[^/?#\s]+\/?$/, serverText))
    .min(1, 'expected at least one server')
    .meta({ examples: [['ldaps://dc1.example.org', 'ldaps://dc2.example.org']] })
    .describe('In order: the next one is asked when one cannot be reached.'),
  bind,
  tls,
  bases: z.array(dn).default([]).describe('Where to search. The whole directory when left out.'),
  filter: z
    .string()
    .regex(/^\(.*\)$/s, 'expected an LDAP filter in parentheses')
    .exactOptional()
    .describe("Which entries are read. The preset's when left out: all with an address, and all groups."),
  deletions: z
    .enum(['auto', 'tombstones', 'idList'])
    .default('auto')
    .describe(
      'How deleted entries are found between full reads. tombstones: in the Deleted Objects of Active Directory, which the account must be let see. idList: by reading the ids of all entries. auto: the first where it works.',
    ),
  connectTimeout: durationBetween('100ms', '5m').prefault('10s').describe('To connect, secure and bind.'),
  pageTimeout: durationBetween('1s', '1h').prefault('60s').describe('For each page of entries.'),
  pageSize: z.int().min(1).max(1000).default(500).describe('Entries asked for at a time.'),
});

const ldif = z.strictObject({
  kind: z.literal('ldif').describe('ldif: an LDIF file, read again when it has changed.'),
  ...mapping,
  file: filePath.describe('The file: content records, UTF-8. run.user must be able to read it.'),
});

const csv = z.strictObject({
  kind: z.literal('csv').describe('csv: a CSV file with a header line, read again when it has changed.'),
  name: mapping.name,
  file: filePath.describe(
    'The file, UTF-8. run.user must be able to read it. Columns: address, aliases, kind, displayName, home, target, members, owners, reportTo, hidden, disabled, moderated, internalOnly, id, attribute:NAME.',
  ),
  separator: z.enum([',', ';', '\t']).default(',').describe('What stands between two fields.'),
  maxEntries: z.int().min(1).max(1_000_000).default(200_000).describe('A file with more lines is refused.'),
});

const accounts = z.strictObject({
  kind: z
    .literal('accounts')
    .describe('accounts: those made here (isthmus account create), for people in no other directory.'),
  name: mapping.name,
  home: name.default('local').describe('The site with protocol local.'),
});

export const directorySection = z
  .strictObject({
    sources: z
      .array(z.discriminatedUnion('kind', [ldap, ldif, csv, accounts]))
      .refine(
        (all) => new Set(all.map((source) => source.name)).size === all.length,
        'two sources have one name',
      )
      .default([])
      .describe('Where people, contacts and groups are read from. All are merged.'),
    precedence: z
      .array(name)
      .default([])
      .describe(
        'Sources in order: an address that is in several of them belongs to the entry of the first. An address in sources that are not listed here is ambiguous, and mail for it waits.',
      ),
    refreshEvery: durationBetween('1s', '1d')
      .prefault('5m')
      .describe('How often changes are read. `isthmus directory refresh` reads them at once.'),
    fullEvery: durationBetween('1m', '30d')
      .prefault('24h')
      .describe('How often everything is read anew, for what changes do not show.'),
    deletionsEvery: durationBetween('1s', '30d')
      .prefault('15m')
      .describe('How often all ids are read where deletions cannot be seen otherwise.'),
    allowAge: durationBetween('1m', '365d')
      .prefault('24h')
      .describe(
        'A snapshot that was not refreshed for longer raises an alarm. Mail is routed by it all the same.',
      ),
    refuseLoss: z
      .strictObject({
        share: z
          .number()
          .min(0)
          .max(1)
          .default(0.3)
          .describe('Part of the entries, 0 to 1, that may be gone at once.'),
        atLeast: z.int().min(0).default(50).describe('So many may always be gone.'),
      })
      .prefault({})
      .describe('A read that has lost more is refused: a mistyped filter must not make everybody unknown.'),
    detailSeparator: z
      .string()
      .max(1, 'expected one character, or none')
      .default('+')
      .describe('ada+lists is ada, where nobody has the whole address. Empty: never.'),
    senders: z
      .array(z.string().min(1))
      .default(['publicDelegates'])
      .describe('Attributes of an entry that name who may send for it: DNs, addresses, groups.'),
    cache: z
      .strictObject({
        size: sizeBetween('1MB', '4GB').prefault('32MB').describe('Memory for it, in each process.'),
        age: durationBetween('1s', '1h')
          .prefault('1m')
          .describe('An answer is asked for again after this, even if no change was heard of.'),
      })
      .prefault({})
      .describe('The newest lookups, in memory.'),
  })
  .prefault({})
  .describe('Who is who: the directories of the organisation, read into the database and kept fresh.');
