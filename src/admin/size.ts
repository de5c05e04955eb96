/**
 * admin/size - the sizes operators type: `2GB`, as in the configuration; `none` for no limit.
 */
import { UsageError } from './usage.ts';

const octets: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};

/** Octets, undefined for `none`. */
export function parseSize(text: string, option: string): number | undefined {
  if (text === 'none') return undefined;
  const [, count, unit] = /^(\d{1,9})(B|KB|MB|GB|TB)$/.exec(text) ?? [];
  const size = Number(count) * (octets[unit ?? ''] ?? Number.NaN);
  if (!Number.isSafeInteger(size))
    throw new UsageError(`${option}: "${text}" is no size: write 500MB, 2GB or none`);
  return size;
}
