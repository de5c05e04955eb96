/**
 * admin/time - the moments operators type: `2h` ago, `2026-11-25`, `2026-11-25 02:05`, `yesterday`, `today`.
 */
import { UsageError } from './usage.ts';

const unitMs: Readonly<Record<string, number>> = {
  s: 1e3,
  m: 60e3,
  h: 3_600e3,
  d: 86_400e3,
  w: 7 * 86_400e3,
};

/** Throws a UsageError that says what is understood. Times without a zone are UTC. */
export function parseMoment(text: string, now: Date): Date {
  const ago = /^(\d+)([smhdw])$/.exec(text.trim());
  if (ago) return new Date(now.getTime() - Number(ago[1]) * (unitMs[ago[2] ?? ''] ?? 0));
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  if (text === 'today') return new Date(midnight);
  if (text === 'yesterday') return new Date(midnight - 86_400e3);
  const date = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim());
  if (date) {
    const at = new Date(
      `${text.trim().replace(' ', 'T')}${date[1] === undefined && text.length > 10 ? 'Z' : ''}`,
    );
    if (!Number.isNaN(at.getTime())) return at;
  }
  throw new UsageError(
    `"${text}" is not a time: write 30m, 2h, 5d, today, yesterday, 2026-11-25 or "2026-11-25 14:30"`,
  );
}
