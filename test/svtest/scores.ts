/**
 * svtest/scores - spamtest and virustest scores out of header fields, by the settings that test scripts make.
 */
import type { Score } from '../../src/sieve/environment.ts';
import { parseHeader } from '../../src/sieve/message/header.ts';

interface Settings {
  readonly message: Uint8Array;
  setting(name: string): string | undefined;
}

/** `X-Spam-Score: \w+, score=([\d.]+)` in its two halves; without a pattern the whole value counts. */
function readField(suite: Settings, spec: string): string | undefined {
  const colon = spec.indexOf(':');
  const name = (colon < 0 ? spec : spec.slice(0, colon)).trim();
  const pattern = colon < 0 ? undefined : spec.slice(colon + 1).trim();
  const value = parseHeader(suite.message).header.all(name)[0]?.value;
  if (value === undefined || pattern === undefined) return value?.trim();
  const classes = pattern.replace(/\[:alnum:\]/g, 'A-Za-z0-9').replace(/\[:digit:\]/g, '0-9');
  const found = new RegExp(classes, 'i').exec(value);
  return found ? (found[1] ?? found[0]) : undefined;
}

export function scoreFrom(suite: Settings, test: 'spamtest' | 'virustest'): Score {
  const spec = suite.setting(`sieve_${test}_status_header`);
  if (spec === undefined) return {};
  const value = readField(suite, spec);
  if (value === undefined) return {};
  const percent = percentOf(suite, test, value);
  return percent === undefined ? {} : { percent: Math.min(100, Math.max(0, percent)) };
}

function percentOf(suite: Settings, test: string, value: string): number | undefined {
  const type = suite.setting(`sieve_${test}_status_type`) ?? 'score';
  if (type === 'strlen') return (value.length * 100) / mostOf(suite, test);
  if (type === 'text') {
    const values = test === 'spamtest' ? 10 : 5;
    for (let at = 0; at <= values; at += 1) {
      if (suite.setting(`sieve_${test}_text_value/${at}`)?.toLowerCase() === value.toLowerCase()) {
        return at === 0 ? undefined : ((at - 1) * 100) / (values - 1);
      }
    }
    return undefined;
  }
  const score = Number.parseFloat(value);
  return Number.isNaN(score) ? undefined : (Math.max(0, score) * 100) / mostOf(suite, test);
}

function mostOf(suite: Settings, test: string): number {
  const field = suite.setting(`sieve_${test}_score_max_header`);
  const text =
    suite.setting(`sieve_${test}_score_max_value`) ??
    (field === undefined ? undefined : readField(suite, field));
  return Number.parseFloat(text ?? '10') || 10;
}
