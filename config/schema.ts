/**
 * config/schema - the whole configuration: every section under its key, in the order in which the example shows them.
 *
 * Each section is described in its own file under config/sections, by the room that lives by it. What spans sections
 * is in config/cross-check.
 */
import { z } from 'zod';
import { accessSection } from './sections/access.ts';
import { authSection } from './sections/auth.ts';
import { deliverySection, dnsSection } from './sections/deliver.ts';
import { queueSection, traceSection } from './sections/delivery.ts';
import { directorySection } from './sections/directory.ts';
import { localSection } from './sections/local.ts';
import { listeners } from './sections/receive.ts';
import { routing } from './sections/routing.ts';
import { admin, data, hostname, log, run, shutdownGrace } from './sections/serve.ts';
import { blobs, database } from './sections/state.ts';
import { storeSection } from './sections/store.ts';

export const configSchema = z.strictObject({
  hostname,
  data,
  run,
  log,
  admin,
  shutdownGrace,
  // Where nothing is said, mail comes in at port 25 of all addresses.
  listeners: listeners.unwrap().prefault([{}]).describe('Where mail comes in: MX, submission, LMTP.'),
  ...routing.unwrap().shape,
  directory: directorySection,
  store: storeSection,
  access: accessSection,
  auth: authSection,
  local: localSection,
  queue: queueSection,
  delivery: deliverySection,
  dns: dnsSection,
  trace: traceSection,
  database,
  blobs,
});

export type Config = z.output<typeof configSchema>;
