/**
 * admin/usage - words on the command line that are not understood: exit code 64, and nothing was done.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A whole number from 1, or wrong usage of `option`. */
export function parseCount(text: string, option: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${option}: "${text}" is no whole number from 1`);
  return Number(text);
}
