/**
 * A parsed section is handed to its room as it is: its type must fit the room's options. The compiler is the judge.
 */
import { expect, test } from 'vitest';
import { exampleText } from '../../config/generate.ts';
import { parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { AdminHttpOptions } from '../../src/admin/http.ts';
import type { DeliveryOptions } from '../../src/deliver/options.ts';
import type { RefresherOptions } from '../../src/directory/refresher.ts';
import type { WorkerPolicy } from '../../src/queue/worker.ts';
import type { ListenerOptions } from '../../src/receive/options.ts';
import type { RoutingSpec } from '../../src/route/spec.ts';
import type { LogOptions } from '../../src/serve/log.ts';

interface Rooms {
  readonly listeners: readonly ListenerOptions[];
  readonly routing: RoutingSpec;
  readonly directory: RefresherOptions;
  readonly queue: WorkerPolicy;
  readonly delivery: DeliveryOptions;
  readonly log: LogOptions;
  readonly admin: AdminHttpOptions;
}

const handOver = (config: Config): Rooms => ({
  listeners: config.listeners.map((listener) => ({ ...listener, hostname: config.hostname })),
  routing: config,
  directory: config.directory,
  queue: config.queue,
  delivery: config.delivery,
  log: config.log,
  admin: config.admin,
});

test('the example fits the rooms', () => {
  const result = parseConfig(exampleText(), { file: 'f', folder: '/', environment: {}, now: new Date() });
  if (!result.ok) throw new Error('the example is not good');
  const rooms = handOver(result.loaded.config);
  expect(rooms.routing.sites.cloud?.routingDomain).toBe('example.mail.onmicrosoft.com');
  expect(rooms.delivery.timeLimits.dataEnd).toBe(600_000);
});
