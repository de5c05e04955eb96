/**
 * bench/relay - `npm run bench:relay`: accept, route, deliver; Isthmus and Postfix in the same run on the same disk.
 *
 * smtp-source sends 10 KB messages over 20 kept sessions, smtp-sink takes them; the time is from the first connection
 * to the last message at the sink. Rounds alternate, medians are compared. Both are durable: a 250 is synced to disk.
 *
 *   --messages N   of each round (5000)          --rounds N    of each system (3)
 *   --connections  also messages/s at 1, 100 and 1,000 connections, one message each
 *   --queued N     memory with N messages queued and the destination down; may be given several times
 *   --receive N    processes that take mail in (1)
 *   --only NAME    isthmus or postfix            --json        one JSON line at the end
 */
import { parseArgs } from 'node:util';
import { gatewayInTheMiddle } from '../fixture/gateway.ts';
import { memoryOf, type System } from '../fixture/system.ts';
import { smtpSink, smtpSource } from '../peers/clients.ts';
import { until } from '../peers/command.ts';
import { needPackages } from '../peers/packages.ts';
import { freePort } from '../peers/postfix.ts';
import { benchDomain, startPostfixUnderTest } from './postfix.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'boolean', default: false },
    queued: { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
    receive: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

type Name = System['name'];
const names: readonly Name[] = (['isthmus', 'postfix'] as const).filter(
  (name) => values.only === undefined || values.only === name,
);

const start = (name: Name, sinkPort: number, connections: number): Promise<System> =>
  name === 'postfix'
    ? startPostfixUnderTest(sinkPort, connections)
    : gatewayInTheMiddle([{ site: 'sink', domains: [benchDomain], port: sinkPort }], {
        connections,
        receive: Number(values.receive),
      });

interface Shape {
  readonly messages: number;
  readonly sessions: number;
  readonly keep: boolean;
}

/** Messages a second, end to end, and how long the last one was accepted before that. */
async function relayed(
  system: System,
  sinkPort: number,
  shape: Shape,
): Promise<{ endToEnd: number; accept: number }> {
  const sink = await smtpSink(shape.messages, sinkPort);
  try {
    const began = performance.now();
    await smtpSource({
      port: system.port,
      from: 'bench@source.test',
      to: `someone@${benchDomain}`,
      size: 10_240,
      ...shape,
    });
    const accepted = performance.now();
    const late = setTimeout(() => sink.close(), 300_000);
    await sink.full;
    clearTimeout(late);
    const seconds = (performance.now() - began) / 1_000;
    return { endToEnd: shape.messages / seconds, accept: (shape.messages * 1_000) / (accepted - began) };
  } finally {
    sink.close();
  }
}

const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;

/** Every system is started once, warmed up, and then they take turns. */
async function rounds(shape: Shape, count: number): Promise<Partial<Record<Name, Measured>>> {
  const ports = await Promise.all(names.map(() => freePort()));
  const systems: System[] = [];
  const figures = new Map<Name, { endToEnd: number; accept: number }[]>(names.map((name) => [name, []]));
  try {
    for (const [at, name] of names.entries()) {
      const system = await start(name, ports[at] ?? 0, shape.sessions);
      systems.push(system);
      await relayed(system, ports[at] ?? 0, {
        ...shape,
        messages: Math.max(shape.sessions, Math.floor(shape.messages / 10)),
      });
    }
    for (let round = 1; round <= count; round += 1) {
      for (const [at, system] of systems.entries()) {
        const figure = await relayed(system, ports[at] ?? 0, shape);
        figures.get(system.name)?.push(figure);
        progress(
          `  round ${round} ${system.name}: ${Math.round(figure.endToEnd)}/s end to end, accepted at ${Math.round(figure.accept)}/s`,
        );
      }
    }
  } finally {
    for (const system of systems) await system.remove();
  }
  return Object.fromEntries(
    [...figures].map(([name, all]) => [
      name,
      {
        endToEnd: median(all.map(({ endToEnd }) => endToEnd)),
        accept: median(all.map(({ accept }) => accept)),
        rounds: all.length,
      },
    ]),
  );
}

interface Measured {
  readonly endToEnd: number;
  readonly accept: number;
  readonly rounds: number;
}

/** Memory of all processes, database included, with the destination down. */
async function queuedMemory(
  name: Name,
  count: number,
): Promise<{ empty: number; full: number; perSecond: number }> {
  const system = await start(name, await freePort(), 20);
  try {
    const empty = memoryOf(await system.victims());
    const began = performance.now();
    await smtpSource({
      ...{ port: system.port, from: 'bench@source.test', to: `someone@${benchDomain}` },
      ...{ messages: count, sessions: 20, size: 2_048, keep: true, within: 7_200_000 },
    });
    const perSecond = (count * 1_000) / (performance.now() - began);
    await until('the queue to be counted', async () => (await system.queued()) >= count, 60_000, 1_000).catch(
      (error: Error) => progress(error.message),
    );
    return { empty, full: memoryOf(await system.victims()), perSecond };
  } finally {
    await system.remove();
  }
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const show = (measured: Measured | undefined): string =>
  measured === undefined
    ? '-'
    : `${Math.round(measured.endToEnd)}/s (accepted at ${Math.round(measured.accept)}/s)`;
const ratio = (both: Partial<Record<Name, Measured>>): number | undefined =>
  both.isthmus && both.postfix && both.isthmus.endToEnd / both.postfix.endToEnd;
const megabytes = (octets: number): string => `${Math.round(octets / 1_048_576)} MB`;

function printBoth(title: string, both: Partial<Record<Name, Measured>>): void {
  const times = ratio(both);
  print(title);
  for (const name of names) print(`  ${name.padEnd(8)} ${show(both[name])}`);
  if (times !== undefined) print(`  ratio    ${times.toFixed(2)}`);
}

if (!(await needPackages(['postfix']))) {
  process.stderr.write('bench:relay needs Debian package postfix (smtp-source, smtp-sink); it is not here\n');
  process.exit(1);
}
const messages = Number(values.messages);
progress(`${messages} messages of 10 KB over 20 kept sessions, ${values.rounds} rounds`);
const kept = await rounds({ messages, sessions: 20, keep: true }, Number(values.rounds));
printBoth('10 KB over 20 kept sessions, end to end', kept);

const single: Record<string, Partial<Record<Name, Measured>>> = {};
for (const sessions of values.connections ? [1, 100, 1_000] : []) {
  progress(`one message a connection, ${sessions} connections at a time`);
  const count = sessions === 1 ? 300 : 3_000;
  const both = await rounds({ messages: count, sessions, keep: false }, Number(values.rounds));
  single[sessions] = both;
  printBoth(`10 KB, one message a connection, ${sessions} at a time`, both);
}

const memory: Record<string, Partial<Record<Name, object>>> = {};
for (const count of values.queued) {
  for (const name of names) {
    progress(`${count} messages queued in ${name}`);
    const seen = await queuedMemory(name, Number(count));
    memory[count] = { ...memory[count], [name]: seen };
    print(
      `${name} with ${count} queued: ${megabytes(seen.full)} (empty ${megabytes(seen.empty)}), taken at ${Math.round(seen.perSecond)}/s`,
    );
  }
}
if (values.json) print(JSON.stringify({ kept, ratio: ratio(kept) ?? null, single, memory }));
