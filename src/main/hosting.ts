/**
 * main/hosting - the store of hosted mail as one process has it: accounts, mailboxes, messages, search and notices.
 */
import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { moveCredentials } from '../auth/credentials.ts';
import type { SpecialUse } from '../mail/mailbox.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Search } from '../ports/search.ts';
import type { Watch } from '../ports/watch.ts';
import { openNotices } from '../store/notices.ts';
import { type Messages, openMessages } from '../store/open-messages.ts';
import { openSearch } from '../store/search.ts';
import { TextProcess } from '../store/text-process.ts';
import type { TextBounds } from '../store/text-read.ts';
import { openTree, type Tree, type TreeLimits, usualTreeLimits } from '../store/tree.ts';
import { type Base, now } from './base.ts';
import { openBlobs } from './ground.ts';

export interface Hosting extends Tree {
  readonly messages: Messages;
  readonly search: Search;
  readonly watch: Watch;
  /** Of bodies; not the spool's. */
  readonly blobs: BlobStore;
  readonly texts: TextProcess;
  /** Tells what was changed and not told yet. */
  close(): Promise<void>;
}

export async function openHosting(base: Base): Promise<Hosting> {
  const { config, installation, storeKeys } = base.settings();
  const { database, log } = base;
  const { store } = config;
  // Not the spool's: each sweeps what it does not know.
  const blobs = await openBlobs(config, `${installation}-store`, log, now);
  const notices = await openNotices({ database, self: randomUUID().slice(0, 13), log });
  const { changed, watch } = notices;
  const tree = openTree({
    database,
    changed,
    now,
    limits: treeLimits(config),
    newcomers: store.newcomers.map(({ name, use }) => ({
      name,
      ...(use === undefined ? {} : { specialUse: `\\${use}` as SpecialUse }),
    })),
    quota: { ...store.quota },
    // In the same commit, whoever renames or removes: the command line, or the directory.
    renamed: moveCredentials,
  });
  const messages = openMessages({
    database,
    blobs,
    changed,
    limits: {
      inlineLimit: store.inlineLimit,
      keywords: store.limits.keywords,
      quotaGrace: store.quota.grace / 100,
    },
    compress: store.compress,
    keys: storeKeys.map(({ number, key }) => ({ number, key: Buffer.from(key, 'base64') })),
    now,
    log,
  });
  const texts = new TextProcess();
  const search = openSearch({
    database,
    messages,
    texts: { maker: texts, keep: keepsTexts(config), bounds: textBounds(config) },
    limits: { readOctets: store.index.searchReads },
    now,
    log,
  });
  return {
    ...tree,
    messages,
    search,
    watch,
    blobs,
    texts,
    async close() {
      await messages.close();
      await texts[Symbol.asyncDispose]();
      await notices[Symbol.asyncDispose]();
    },
  };
}

/** The texts of encrypted bodies are not kept beside them in the clear, unless the operator says so. */
export const keepsTexts = ({ store: { index, encryptionKeys } }: Config): boolean =>
  index.when === 'always' || (index.when === 'unlessEncrypted' && encryptionKeys.length === 0);

export const textBounds = ({ store: { index } }: Config): TextBounds => ({
  documents: index.attachments,
  characters: index.textPerMessage,
});

function treeLimits({ store: { limits } }: Config): TreeLimits {
  return {
    names: { ...usualTreeLimits.names, levels: limits.levels },
    mailboxesPerAccount: limits.mailboxes,
    subscriptionsPerAccount: limits.subscriptions,
    rightsPerMailbox: limits.rights,
    sharedPerAccount: limits.shared,
    annotations: { entries: limits.annotations, value: limits.annotationSize },
    scripts: { size: limits.scriptSize, perAccount: limits.scripts, total: limits.scriptsSize },
    remembered: limits.remembered,
  };
}
