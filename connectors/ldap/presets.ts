/**
 * ldap/presets - what the common directories call things. Everything here may be overruled by configuration.
 */

/** Attribute names for each of our words; the first that has a value counts where only one can. */
export interface AttributeNames {
  readonly id: readonly string[];
  readonly displayName: readonly string[];
  /** The primary address. */
  readonly primary: readonly string[];
  /** More addresses, plain. */
  readonly aliases: readonly string[];
  /** Typed addresses as Exchange keeps them: `SMTP:`, `smtp:`, `X500:`, others ignored. */
  readonly proxyAddresses: readonly string[];
  readonly targetAddress: readonly string[];
  /** Our own word for the kind of entry, where a directory has such an attribute. */
  readonly kind: readonly string[];
  readonly hidden: readonly string[];
  /** DNs. */
  readonly members: readonly string[];
  /** Values of `uid`. */
  readonly memberUids: readonly string[];
  /** Addresses. */
  readonly memberAddresses: readonly string[];
  readonly owners: readonly string[];
  readonly moderated: readonly string[];
  readonly internalOnly: readonly string[];
  readonly uid: readonly string[];
}

export interface Preset {
  readonly attributes: AttributeNames;
  /** Attributes that the preset's own reading needs besides. */
  readonly needed: readonly string[];
  readonly filter: string;
  readonly groupClasses: readonly string[];
  readonly contactClasses: readonly string[];
  /** Groups whose members are found by a query. */
  readonly opaqueClasses: readonly string[];
  /** How changes are found. */
  readonly incremental: 'usn' | 'timestamp';
}

export type PresetName = 'activeDirectory' | 'openldap' | 'zimbra';

const none: readonly string[] = [];

export const presets: Readonly<Record<PresetName, Preset>> = {
  activeDirectory: {
    attributes: {
      id: ['objectGUID'],
      displayName: ['displayName', 'cn'],
      primary: ['mail'],
      aliases: none,
      proxyAddresses: ['proxyAddresses'],
      targetAddress: ['targetAddress'],
      kind: none,
      hidden: ['msExchHideFromAddressLists'],
      members: ['member'],
      memberUids: none,
      memberAddresses: none,
      owners: ['managedBy', 'msExchCoManagedByLink'],
      moderated: ['msExchEnableModeration'],
      internalOnly: ['msExchRequireAuthToSendTo'],
      uid: none,
    },
    needed: [
      'msExchRecipientTypeDetails',
      'msExchRemoteRecipientType',
      'homeMDB',
      'legacyExchangeDN',
      'userAccountControl',
      'reportToOwner',
      'reportToOriginator',
    ],
    filter:
      '(&(|(proxyAddresses=*)(mail=*)(targetAddress=*)(objectClass=group))(!(objectClass=computer))(!(isDeleted=TRUE)))',
    groupClasses: ['group', 'msExchDynamicDistributionList'],
    contactClasses: ['contact'],
    opaqueClasses: ['msExchDynamicDistributionList'],
    incremental: 'usn',
  },
  openldap: {
    attributes: {
      id: ['entryUUID'],
      displayName: ['displayName', 'cn'],
      primary: ['mail'],
      aliases: ['mailLocalAddress', 'mailAlternateAddress'],
      proxyAddresses: none,
      targetAddress: ['mailRoutingAddress'],
      kind: none,
      hidden: none,
      members: ['member', 'uniqueMember'],
      memberUids: ['memberUid'],
      memberAddresses: ['rfc822MailMember', 'mgrpRFC822MailMember'],
      owners: ['owner'],
      moderated: none,
      internalOnly: none,
      uid: ['uid'],
    },
    needed: ['mailHost', 'memberURL'],
    filter:
      '(|(mail=*)(mailLocalAddress=*)(mailAlternateAddress=*)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=nisMailAlias)(objectClass=groupOfURLs))',
    groupClasses: [
      'groupOfNames',
      'groupOfUniqueNames',
      'groupOfMembers',
      'posixGroup',
      'nisMailAlias',
      'mailGroup',
      'groupOfURLs',
    ],
    contactClasses: none,
    opaqueClasses: ['groupOfURLs'],
    incremental: 'timestamp',
  },
  zimbra: {
    attributes: {
      id: ['zimbraId', 'entryUUID'],
      displayName: ['displayName', 'cn'],
      primary: ['zimbraMailDeliveryAddress', 'mail'],
      aliases: ['zimbraMailAlias', 'mail'],
      proxyAddresses: none,
      targetAddress: none,
      kind: none,
      hidden: ['zimbraHideInGal'],
      members: none,
      memberUids: none,
      memberAddresses: ['zimbraMailForwardingAddress'],
      owners: none,
      moderated: none,
      internalOnly: none,
      uid: none,
    },
    needed: [
      'zimbraMailHost',
      'zimbraMailForwardingAddress',
      'zimbraPrefMailLocalDeliveryDisabled',
      'zimbraAccountStatus',
      'zimbraMailStatus',
      'zimbraCalResType',
      'memberURL',
    ],
    filter:
      '(|(objectClass=zimbraAccount)(objectClass=zimbraDistributionList)(objectClass=zimbraGroup)(objectClass=zimbraCalendarResource))',
    groupClasses: ['zimbraDistributionList', 'zimbraGroup'],
    contactClasses: none,
    opaqueClasses: ['zimbraGroup'],
    incremental: 'timestamp',
  },
};
