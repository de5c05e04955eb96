/**
 * config/sections/routing - accepted domains, sites, homes and rules. Parses to src/route's RoutingSpec, whose sites
 * src/deliver and src/receive read too. What no schema can see (rules that are never reached, sites that do not exist)
 * is found by src/route's lint.
 */
import { z } from 'zod';
import { parseAddress, parseDomain } from '../../src/mail/address.ts';
import { parseReply } from '../../src/mail/reply.ts';
import {
  certificatePair,
  domainName,
  hostName,
  mailAddress,
  name,
  network,
  port,
  readableFile,
  secret,
  size,
} from '../units.ts';

const kinds = ['user', 'shared', 'room', 'equipment', 'contact', 'group', 'publicFolder'] as const;

const domainPatternText = 'expected a domain such as example.org, or *.example.org for its subdomains';
const domainPattern = z
  .string({ error: domainPatternText })
  .refine((text) => parseDomain(text.replace(/^\*\./, '')) !== undefined, domainPatternText);

const addressPatternText = 'expected a mail address, or a pattern such as *@example.org';
const addressPattern = z
  .string({ error: addressPatternText })
  .refine(
    (text) =>
      parseAddress(text) !== undefined || (text.includes('*') && /^\S{1,256}@[^\s@]{1,255}$/.test(text)),
    addressPatternText,
  );

/** One value, or a list of which any will do. */
const oneOrMany = <S extends z.ZodType>(schema: S) => z.union([schema, z.array(schema).min(1)]);

const Domain = z
  .strictObject({
    name: domainPattern.describe('`example.org`, or `*.example.org` for its subdomains without itself.'),
    type: z
      .enum(['authoritative', 'internalRelay', 'externalRelay'])
      .default('authoritative')
      .describe(
        'What becomes of recipients that the directory does not know: authoritative refuses them (550 5.1.1), internalRelay sends them to `site`, externalRelay relays for somebody else, to `site` or by MX.',
      ),
    site: name
      .exactOptional()
      .describe('Site of unknown recipients of a relay domain. Required for internalRelay.'),
    catchAll: mailAddress
      .exactOptional()
      .describe('Unknown recipients go to this address instead of being refused.'),
  })
  .refine(({ type, site }) => type !== 'internalRelay' || site !== undefined, {
    error: 'expected a site, since internalRelay sends unknown recipients there',
    path: ['site'],
  });

const NextHop = z
  .strictObject({
    host: hostName.exactOptional().describe('Host name or IP address.'),
    mx: domainName.exactOptional().describe('Domain whose mail exchangers are used. Either this or `host`.'),
    port: port.exactOptional().describe('TCP port. Without it: 25, with implicitTls 465, for LMTP 24.'),
    protocol: z
      .enum(['smtp', 'lmtp', 'local'])
      .default('smtp')
      .describe('What is spoken there. local: nothing, its mailboxes are in the store of this installation.'),
    priority: z.int().min(0).max(65535).default(0).describe('Lowest first; others when those fail.'),
    weight: z
      .int()
      .min(0)
      .max(65535)
      .default(1)
      .describe('Share among next hops of equal priority; 0 is hardly ever first.'),
  })
  .refine(
    ({ host, mx, protocol }) => protocol === 'local' || (host === undefined) !== (mx === undefined),
    'expected either host or mx',
  )
  .refine(
    ({ host, mx, port, protocol }) =>
      protocol !== 'local' || (host === undefined && mx === undefined && port === undefined),
    'expected neither host nor mx nor port, since local is this installation',
  );

const Recognise = z
  .strictObject({
    networks: z
      .array(network)
      .default([])
      .describe(
        "Clients in these networks are this site. A cloud provider's networks are shared by all its customers: prefer certificateNames.",
      ),
    certificateNames: z
      .array(z.string().min(1))
      .default([])
      .describe('Clients whose verified certificate bears one of these names are this site.'),
    ownSendersOnly: z
      .boolean()
      .default(false)
      .describe(
        'Only mail whose sender is of one of our domains is taken as from this site. For clouds whose servers and certificates all their customers share, such as Exchange Online: without it, mail of other customers to our people there would look like a loop.',
      ),
  })
  .prefault({})
  .describe('How a client is known to be this site.');

const Auth = z.strictObject({
  user: z.string().min(1).describe('Account name.'),
  password: secret.describe('Password, or the token for XOAUTH2.'),
  mechanism: z
    .enum(['PLAIN', 'LOGIN', 'XOAUTH2'])
    .exactOptional()
    .describe('SASL mechanism. The best that the server offers when left out.'),
});

const Site = z.strictObject({
  nextHops: z
    .array(NextHop)
    .min(1)
    .refine(
      (hops) => hops.length === 1 || hops.every(({ protocol }) => protocol !== 'local'),
      'expected local alone: a mailbox is here or somewhere else',
    )
    .describe('Where to connect to. For mailboxes in the store here, one with protocol local.'),
  tls: z
    .enum(['none', 'opportunistic', 'require', 'verify'])
    .default('opportunistic')
    .describe(
      'none: never STARTTLS. opportunistic: where offered. require: or no delivery. verify: and the certificate is valid and names the host.',
    ),
  tlsName: z.string().min(1).exactOptional().describe("Name on the certificate where it is not the host's."),
  implicitTls: z
    .boolean()
    .default(false)
    .describe('TLS from the first octet (port 465) instead of STARTTLS.'),
  ca: readableFile.exactOptional().describe("PEM file of authorities to trust instead of the system's."),
  clientCertificate: certificatePair
    .exactOptional()
    .describe('Certificate we show. Exchange Online finds its inbound connector by it.'),
  auth: Auth.exactOptional().describe('How we log in there (SASL).'),
  authWithoutTls: z.boolean().default(false).describe('Log in without TLS too: for the same machine only.'),
  assume8bit: z.boolean().default(false).describe('Send 8-bit content though the peer does not announce it.'),
  routingDomain: domainName
    .exactOptional()
    .describe(
      'Copies sent there are addressed in this domain, such as `tenant.mail.onmicrosoft.com`. The original recipient stays in ORCPT.',
    ),
  routing: z
    .enum(['never', 'prefer', 'require'])
    .default('prefer')
    .describe(
      "never: addresses stay as they are. prefer: the person's own address in routingDomain (targetAddress, proxyAddresses), else one made of the primary local part. require: their own; mail for a person without one waits.",
    ),
  detail: z
    .enum(['keep', 'drop'])
    .default('keep')
    .describe('What becomes of `+lists` in `ada+lists@example.org` when an address is rewritten.'),
  canonical: z.boolean().default(true).describe('Rewrite aliases to the primary address, as Exchange does.'),
  recognise: Recognise,
  trusted: z
    .boolean()
    .default(false)
    .describe(
      'X-MS-Exchange-Organization-*, -CrossPremises-* and -Forest-* header fields pass between trusted sites; from and to all others they are removed.',
    ),
  transparent: z
    .boolean()
    .default(false)
    .describe('Between two transparent (and trusted) sites nothing is changed: no header field, no address.'),
  hairpin: z
    .boolean()
    .default(false)
    .describe(
      'Mail from this site may be sent back to it. Off, such mail is a loop and refused (554 5.4.6).',
    ),
  relay: z
    .boolean()
    .default(false)
    .describe(
      'Mail from this site may go to any address on the Internet. Only where it is recognised by its certificate or by networks of your own.',
    ),
});

const Attribute = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9;-]{0,63}$/, 'expected an attribute name')
      .describe('Name of the attribute in the directory.'),
    equals: z.string().exactOptional().describe('One of its values is this.'),
    in: z.array(z.string()).min(1).exactOptional().describe('One of its values is one of these.'),
    present: z.boolean().exactOptional().describe('It has a value, or (false) has none.'),
  })
  .refine((one) => one.equals !== undefined || one.in !== undefined || one.present !== undefined, {
    error: 'expected one of equals, in, present',
  });

const person = {
  address: oneOrMany(addressPattern)
    .exactOptional()
    .describe(
      '`ada@example.org`: whoever has this address in the directory, also when the mail names another of their addresses. With `*` for any run of characters, such as `*@example.org`: the address as the mail names it. Both hold for ada+lists too. No regular expressions.',
    ),
  domain: oneOrMany(domainPattern)
    .exactOptional()
    .describe('`example.org`, or `*.example.org`: the domain as the mail names it.'),
  attribute: oneOrMany(Attribute).exactOptional().describe('An attribute in the directory.'),
  memberOf: oneOrMany(z.string().min(1))
    .exactOptional()
    .describe('Address or directory id of a group; nested groups count.'),
  kind: oneOrMany(z.enum(kinds)).exactOptional().describe('Kind of the directory entry.'),
  known: z.boolean().exactOptional().describe('The directory knows the address.'),
};

const Recipient = z.strictObject({
  ...person,
  home: oneOrMany(name).exactOptional().describe("Site of the recipient's mailbox. Not in home rules."),
});

const Sender = z.strictObject({
  ...person,
  empty: z.boolean().exactOptional().describe('The null reverse-path `<>`, which reports have.'),
});

const Client = z.strictObject({
  network: oneOrMany(network).exactOptional().describe('Network of the client.'),
  site: oneOrMany(name).exactOptional().describe('Site that the client was recognised as.'),
  listener: oneOrMany(name).exactOptional().describe('Listener that took the message.'),
  protocol: oneOrMany(z.enum(['smtp', 'submission', 'lmtp', 'local']))
    .exactOptional()
    .describe('How it came in.'),
  tls: oneOrMany(z.enum(['none', 'unverified', 'verified']))
    .exactOptional()
    .describe('none: in the clear. unverified: TLS. verified: TLS with a client certificate we trust.'),
  certificateName: oneOrMany(z.string().min(1))
    .exactOptional()
    .describe('Name in the verified client certificate; `*` for any run of characters.'),
  authenticated: z.boolean().exactOptional().describe('An account logged in.'),
  account: oneOrMany(z.string().min(1)).exactOptional().describe('Account that logged in.'),
});

const headerName = z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,76}$/, 'expected the name of a header field');

const Header = z
  .strictObject({
    name: headerName.describe('Name of the header field.'),
    present: z.boolean().exactOptional().describe('There is such a field, or (false) there is none.'),
    equals: oneOrMany(z.string()).exactOptional().describe('The whole value of one such field.'),
    contains: oneOrMany(z.string().min(1)).exactOptional().describe('A part of the value of one such field.'),
  })
  .refine((one) => one.present !== undefined || one.equals !== undefined || one.contains !== undefined, {
    error: 'expected one of present, equals, contains',
  });

const Condition = z.strictObject({
  get all() {
    return z.array(Condition).min(1).exactOptional().describe('All of these hold.');
  },
  get any() {
    return z.array(Condition).min(1).exactOptional().describe('At least one of these holds.');
  },
  get not() {
    return Condition.exactOptional().describe('This does not hold.');
  },
  recipient: Recipient.exactOptional().describe('The recipient, as redirects and targets have made it.'),
  sender: Sender.exactOptional().describe(
    'The envelope sender. Anybody can write any address there: combine it with `client.authenticated` or `client.site`.',
  ),
  client: Client.exactOptional().describe('Who handed the message to us.'),
  direction: oneOrMany(z.enum(['inbound', 'outbound', 'internal']))
    .exactOptional()
    .describe(
      'outbound: the recipient is in no domain of ours. internal: in one of ours, from a client that logged in, or from a site or relay client with a sender of ours. inbound: all else.',
    ),
  size: z
    .strictObject({
      over: size.exactOptional().describe('Larger than this.'),
      under: size.exactOptional().describe('Smaller than this.'),
    })
    .exactOptional()
    .describe('Size of the message. Not known at RCPT unless the client says it.'),
  header: oneOrMany(Header)
    .exactOptional()
    .describe('A header field of the message. Not known at RCPT: what depends on it is decided after DATA.'),
});

const replyText = 'expected a reply such as "550 5.7.1 Not here", with a code from 400 to 599';
const rejection = z.string({ error: replyText }).refine((text) => {
  const reply = parseReply(text);
  return reply !== undefined && reply.code >= 400 && (reply.enhanced ?? text)[0] === text.trim()[0];
}, replyText);

const Action = z
  .strictObject({
    routeTo: name.exactOptional().describe('Decides: deliver to this site, wherever the home is.'),
    redirect: mailAddress
      .exactOptional()
      .describe('Decides: to this address instead, which is then resolved, with all rules, from the start.'),
    reject: rejection
      .exactOptional()
      .describe('Decides: refuse with this code and text; a 4xx code makes the client try again.'),
    hold: z.string().min(1).exactOptional().describe('Decides: accept and hold for an operator; the reason.'),
    deliverAlso: name
      .exactOptional()
      .describe('Adds: a second copy to this site (dual delivery). Left out where it came from there.'),
    rewriteRecipient: z
      .strictObject({
        address: mailAddress.exactOptional().describe('The whole address.'),
        domain: domainName.exactOptional().describe('The domain only; the local part stays.'),
      })
      .refine(({ address, domain }) => (address === undefined) !== (domain === undefined), {
        error: 'expected either address or domain',
      })
      .exactOptional()
      .describe('Adds: the address said at the next hop. Where the mail goes does not change by it.'),
    addHeader: z
      .strictObject({
        name: headerName
          .refine(
            (text) => !/^x-ms-exchange-(organization|crosspremises|forest)-/i.test(text),
            "expected a name outside Exchange's internal families, which are never forged",
          )
          .describe('Name of the header field.'),
        value: z
          .string()
          .regex(/^[\t\x20-\x7e]{0,900}$/, 'expected one line of ASCII, at most 900 characters')
          .describe('Its value.'),
      })
      .exactOptional()
      .describe('Adds: a header field on top of delivered copies.'),
    journalTo: z
      .strictObject({
        address: mailAddress.describe('The journal mailbox.'),
        site: name.exactOptional().describe('Where it is. By the directory or by MX when left out.'),
      })
      .exactOptional()
      .describe(
        'Adds: a copy for the record, as it came in; of mail to a group one, beside its members. Mail that cannot be journaled is held.',
      ),
  })
  .refine((action) => Object.keys(action).length > 0, 'expected an action');

const Rule = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s\p{C}](?:[^\p{C}]{0,62}[^\s\p{C}])?$/u, 'expected a name of at most 64 characters')
    .describe('Unique; it is what the trace says.'),
  when: Condition.exactOptional().describe('Always, when left out. Several keys: all of them.'),
  // biome-ignore lint/suspicious/noThenProperty: the operator's word; the parsed value is no promise.
  then: oneOrMany(Action).describe(
    'What is done. At most one action that decides (routeTo, redirect, reject, hold): it ends the rules for this recipient. The others (deliverAlso, rewriteRecipient, addHeader, journalTo) add up over all rules that match before that.',
  ),
  stop: z
    .boolean()
    .default(false)
    .describe(
      'Ask no further rule after this one; the home decides. For rules that decide nothing themselves.',
    ),
  strangers: z
    .boolean()
    .default(false)
    .describe(
      'Ask this rule also for addresses in our domains that nobody has, or several have. Others are refused (550 5.1.1) or deferred before any rule.',
    ),
});

const HomeRule = z.strictObject({
  when: Condition.exactOptional().describe('May look at the recipient only, and not at its home.'),
  site: name.describe('Home of those who match.'),
});

const Homes = z
  .strictObject({
    rules: z
      .array(HomeRule)
      .default([])
      .describe('First match wins. Stronger than what the directory says; weaker than a cut-over.'),
    byKind: z
      .partialRecord(z.enum(kinds), name)
      .default({})
      .describe('Home by kind of entry, where the directory says nothing.'),
    default: name.exactOptional().describe('Home of all others in the directory.'),
  })
  .prefault({})
  .describe("Where people's mailboxes are.");

const Groups = z
  .strictObject({
    moderated: z
      .enum(['hold', 'refuse', 'defer'])
      .default('hold')
      .describe('Mail for moderated groups. It is never delivered without a moderator.'),
    opaqueSite: name
      .exactOptional()
      .describe('Site for dynamic or hidden groups, which cannot be expanded here. Refused when left out.'),
  })
  .prefault({})
  .describe('Mail for groups.');

export const routing = z
  .strictObject({
    domains: z
      .array(Domain)
      .default([])
      .describe('Domains we take mail for. All others are relayed, or not.'),
    sites: z
      .record(name, Site)
      .default({})
      .describe('Places where mailboxes live, by name, and the ways to them.'),
    homes: Homes,
    groups: Groups,
    rules: z
      .array(Rule)
      .max(2000)
      .default([])
      .describe('Asked in order for each recipient; the first that decides wins. No rule opens a relay.'),
    postmaster: mailAddress
      .exactOptional()
      .describe(
        'Takes mail for `postmaster`, alone or at our domains, where the directory has none (RFC 5321).',
      ),
    disabled: z
      .enum(['deliver', 'refuse'])
      .default('deliver')
      .describe('Mail for entries whose account is disabled, as shared mailboxes have it.'),
  })
  .prefault({})
  .describe('Where mail goes.');
