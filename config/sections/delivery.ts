/**
 * config/sections/delivery - `queue`: how much may wait, how often it is tried, what senders are told; `trace`: how
 * long stories are kept.
 *
 * The parsed values fit SpoolLimits (src/queue/spool.ts, but for inlineLimit, which is in `blobs`), WorkerPolicy
 * (src/queue/worker.ts) and SweepOptions (src/queue/sweep.ts).
 */
import { z } from 'zod';
import { duration, durationBetween, mailAddress, size, sizeBetween } from '../units.ts';

const concurrency = z
  .strictObject({
    start: z
      .int()
      .min(1)
      .max(1000)
      .default(5)
      .describe(
        'Deliveries at once to one next hop once its first was good (one until then). Grows with good results, is halved by faults.',
      ),
    max: z.int().min(1).max(1000).default(20).describe('Deliveries at once to one next hop, at most.'),
    total: z
      .int()
      .min(1)
      .max(10_000)
      .default(500)
      .describe('Deliveries at once in all, for each worker process.'),
    downFirst: durationBetween('1s', '1h')
      .prefault('30s')
      .describe('How long a next hop that does not answer is left alone. Doubled each time.'),
    downMax: durationBetween('1s', '1d')
      .prefault('10m')
      .describe('The longest time for which a next hop is left alone before one message is tried.'),
  })
  .prefault({})
  .describe('How many deliveries run at once.');

const inHand = z
  .strictObject({
    recipients: z
      .int()
      .min(10)
      .max(100_000)
      .default(1000)
      .describe('Recipients that one worker process has in hand; a third of it for one next hop.'),
    memory: sizeBetween('1MB', '16GB')
      .prefault('64MB')
      .describe('Memory for the bodies of messages in hand. Large bodies are streamed and do not count.'),
  })
  .prefault({})
  .describe('What one worker process takes from the queue at a time.');

const reports = z
  .strictObject({
    from: z
      .string()
      .min(3)
      .max(200)
      .regex(
        /^[^\p{Cc}]+$/u,
        'expected a name and an address such as Mail Delivery System <postmaster@example.org>',
      )
      .exactOptional()
      .describe('From field of delivery reports. Default: Mail Delivery System <postmaster@HOSTNAME>.'),
    returnLimit: sizeBetween('0B', '50MB')
      .prefault('50KB')
      .describe(
        'Messages up to this size are returned whole where the sender asked for that (RET=FULL); else the header.',
      ),
  })
  .prefault({})
  .describe('Delivery reports (bounces).');

const queue = z
  .strictObject({
    maxMessages: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('Messages that may wait, over all nodes. More is answered with 452.'),
    maxBytes: size
      .prefault('50GB')
      .describe('Octets of all waiting messages, over all nodes. More is answered with 452.'),
    lifetime: durationBetween('1m', '60d')
      .prefault('5d')
      .describe('How long delivery is tried before the sender is told that it failed.'),
    reportLifetime: durationBetween('1m', '60d')
      .prefault('2d')
      .describe('The same for delivery reports and other mail from <>.'),
    delayWarning: duration
      .prefault('4h')
      .describe('When the sender is told, once, that delivery is delayed. 0s: never.'),
    retry: z
      .array(durationBetween('1s', '1d'))
      .min(1)
      .max(50)
      .prefault(['5m', '15m', '30m', '1h', '2h', '4h'])
      .describe(
        'Pauses before the second try, the third and so on; the last is repeated. Each varies by a fifth.',
      ),
    greylistRetry: durationBetween('1s', '1d')
      .prefault('2m')
      .describe('Pause after an answer that looks like greylisting.'),
    greylistTries: z.int().min(0).max(100).default(3).describe('How many tries come so soon.'),
    recipientsPerTransaction: z
      .int()
      .min(1)
      .max(5000)
      .default(100)
      .describe('Recipients in one transaction with a next hop.'),
    concurrency,
    inHand,
    reports,
    doubleBounces: mailAddress
      .exactOptional()
      .describe(
        'Who is told of reports of our own that cannot be delivered. Default: nobody; the trace tells.',
      ),
  })
  .prefault({})
  .describe('The mail queue.');

const trace = z
  .strictObject({
    retention: durationBetween('1h', '3650d')
      .prefault('30d')
      .describe('How long the story of each message is kept.'),
  })
  .prefault({})
  .describe('What happened to each message, and why.');

export { queue as queueSection, trace as traceSection };
