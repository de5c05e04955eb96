/**
 * torture/run - `npm run torture -- --kills 2000`: the crash proof for as long as one likes.
 *
 * `--middle postfix` tortures Postfix instead; `--single` runs Isthmus in one process. Exit code 0 only when every
 * promise was kept and every duplicate is explained.
 */
import { parseArgs } from 'node:util';
import { gatewayInTheMiddle } from '../fixture/gateway.ts';
import { type Destination, postfixInTheMiddle, type System } from '../fixture/system.ts';
import { crash } from './crash.ts';
import { instant, isSound, printAccount } from './ledger.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    every: { type: 'string', default: '1500' },
    rate: { type: 'string', default: '60' },
    middle: { type: 'string', default: 'isthmus' },
    single: { type: 'boolean', default: false },
  },
});

/** Whoever takes mail in delivers it too; in one process, it is the supervisor's. */
const carriers = { carriers: values.single ? ['supervisor'] : ['receive', 'queue'], keeper: 'supervisor' };

const start = (destinations: readonly Destination[]): Promise<System> =>
  values.middle === 'postfix'
    ? // Postfix's own back-off is minutes: with it the queue would not drain while one waits.
      postfixInTheMiddle(destinations, {
        minimal_backoff_time: '2s',
        maximal_backoff_time: '5s',
        queue_run_delay: '2s',
        service_throttle_time: '1s',
      })
    : gatewayInTheMiddle(destinations, { single: values.single });

process.stdout.write(`seed ${values.seed}\n`);
const result = await crash({
  kills: Number(values.kills),
  seed: Number(values.seed),
  every: Number(values.every),
  rate: Number(values.rate),
  sessions: 8,
  closeTo: { ...instant, ...(values.middle === 'postfix' ? {} : carriers) },
  drainWithin: 180_000,
  start: ({ one, two }) =>
    start([
      { site: 'one', domains: ['one.test'], port: one },
      { site: 'two', domains: ['two.test'], port: two },
    ]),
  progress: (text) => process.stderr.write(text),
});
const sound = isSound(result.account) && result.left === 0;
if (!sound) process.stderr.write(`${result.log}\n`);
process.stdout.write(`${printAccount(result.account, result.kills)}\n`);
process.stdout.write(
  `left         ${result.left} in the queue\nrestarts     ${result.restarts}\nseconds      ${Math.round(result.seconds)}\n`,
);
process.stdout.write(sound ? 'nothing lost\n' : 'NOT SOUND\n');
process.exit(sound ? 0 : 1);
