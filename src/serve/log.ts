/**
 * serve/log - our log on standard output: JSON lines for machines, or one readable line each.
 *
 * The only place that knows pino. Callers give facts by name; anything named like a secret is masked here as the
 * last line of defence, since a secret in a log can never be taken back. Warnings and errors that come in floods are
 * counted instead of written (serve/flood).
 */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Log } from '../ports/log.ts';
import { errorFacts } from './error-facts.ts';
import { Flood, span } from './flood.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
}

const secretNames = ['password', 'secret', 'token', 'pass', 'authorization', 'clientSecret', 'key'];
const redact = {
  paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  censor: '(hidden)',
};

/** `setLevel` takes effect at once, for a reload. */
export function openLog(options: LogOptions): Log & { setLevel(level: LogLevel): void } {
  const destination = options.format === 'text' ? textLines() : pino.destination({ fd: 1, sync: true });
  const error = (thrown: unknown): unknown => errorFacts(thrown, root.level === 'debug');
  const root: pino.Logger = pino(
    {
      level: options.level,
      base: null,
      redact,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error, err: error },
    },
    destination,
  );
  const flood = new Flood(({ level, text, leftOut }) =>
    root[level]({ leftOut, text, seconds: span / 1000 }, 'more lines of this text were left out'),
  );
  return Object.assign(wrap(root, flood), {
    setLevel(level: LogLevel) {
      root.level = level;
    },
  });
}

function wrap(logger: pino.Logger, flood: Flood): Log {
  return {
    debug: (facts, text) => logger.debug(facts, text),
    info: (facts, text) => logger.info(facts, text),
    warn: (facts, text) => {
      if (flood.admits('warn', text)) logger.warn(facts, text);
    },
    error: (facts, text) => {
      if (flood.admits('error', text)) logger.error(facts, text);
    },
    child: (facts) => wrap(logger.child(facts), flood),
  };
}

/** `12:30:01 warn  queue  database away  attempt=3` */
function textLines(): Writable {
  // Whoever reads the log may go away: mail goes on.
  process.stdout.on('error', () => {});
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      process.stdout.write(`${textLine(chunk.toString())}\n`, () => done());
    },
  });
}

export function textLine(json: string): string {
  const { time, level, msg, role, err, error = err, ...facts } = JSON.parse(json) as Record<string, unknown>;
  const cause =
    error === undefined ? [] : [`cause=${(error as { message?: string }).message ?? String(error)}`];
  const rest = Object.entries(facts).map(([name, value]) => `${name}=${printFact(value)}`);
  const head = [String(time).slice(11, 19), String(level).padEnd(5), role, msg].filter(
    (part) => part !== undefined,
  );
  // What clients and peers wrote is in here: one line stays one line, and steers no terminal.
  return [...head, ...rest, ...cause].join(' ').replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
}

const printFact = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
