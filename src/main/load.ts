/**
 * main/load - the configuration, read with the checks that only the rooms can make.
 */
import { join } from 'node:path';
import type { LoadOptions } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { lint } from '../route/lint.ts';
import { routingOf } from './settings.ts';

/** Read when no `--config` is given. */
export const defaultFile = (environment = process.env): string =>
  environment.ISTHMUS_CONFIG ?? join('/etc', 'isthmus', 'isthmus.yaml');

const checkRouting = (config: Config) =>
  lint(routingOf(config), { hasDirectory: config.directory.sources.length > 0 });

export const loadOptions = (): LoadOptions => ({
  environment: process.env,
  now: new Date(),
  checks: [checkRouting],
});
