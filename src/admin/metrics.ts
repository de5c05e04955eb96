/**
 * admin/metrics - counters and histograms in one process, and all processes' numbers as one page for Prometheus.
 * The only place that knows prom-client.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObject,
  Registry,
} from 'prom-client';
import type { SourceHealth } from '../ports/directory.ts';
import {
  type CounterName,
  counters,
  type HistogramName,
  histograms,
  type Metrics,
} from '../ports/metrics.ts';
import type { QueueCounts } from '../ports/queue-control.ts';

const labelNames: Partial<Record<CounterName, readonly string[]>> = {
  isthmus_connections_total: ['listener'],
  isthmus_refusals_total: ['listener', 'code'],
  isthmus_messages_accepted_total: ['listener'],
  isthmus_bytes_accepted_total: ['listener'],
  isthmus_deliveries_total: ['nexthop', 'outcome'],
  isthmus_reports_total: ['kind'],
  isthmus_directory_refreshes_total: ['source', 'outcome'],
  isthmus_sign_ins_total: ['service', 'mechanism', 'outcome'],
  isthmus_alarms_total: ['kind'],
};

/** Seconds. */
const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3600, 86_400];

export interface ProcessMetrics extends Metrics {
  /** This process's numbers in a form that can be sent to another one. */
  snapshot(): Promise<readonly MetricObject[]>;
}

export function openMetrics(): ProcessMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'isthmus_' });
  const counting = new Map(
    Object.entries(counters).map(([name, help]) => [
      name,
      new Counter({
        name,
        help,
        labelNames: [...(labelNames[name as CounterName] ?? [])],
        registers: [registry],
      }),
    ]),
  );
  const timing = new Map(
    Object.entries(histograms).map(([name, help]) => [
      name,
      new Histogram({ name, help, buckets, registers: [registry] }),
    ]),
  );
  return {
    count(name: CounterName, labels, by = 1) {
      if (by > 0) counting.get(name)?.inc(known(name, labels), by);
    },
    observe(name: HistogramName, seconds) {
      timing.get(name)?.observe(seconds);
    },
    snapshot: () => registry.getMetricsAsJSON() as Promise<readonly MetricObject[]>,
  };
}

/** Labels that a counter does not have are left out: a room may say more than we keep. */
function known(name: CounterName, labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  const names = labelNames[name] ?? [];
  return Object.fromEntries(Object.entries(labels).filter(([label]) => names.includes(label)));
}

export interface Gauges {
  readonly queue: QueueCounts;
  readonly directory: readonly SourceHealth[];
}

/** One page in Prometheus's text format of all processes' snapshots and what only the database knows. */
export async function printMetrics(
  snapshots: readonly unknown[],
  gauges: Gauges | undefined,
): Promise<string> {
  const all = AggregatorRegistry.aggregate(snapshots as MetricObject[][]);
  const own = new Registry();
  if (gauges !== undefined) setGauges(own, gauges);
  return `${await all.metrics()}\n${await own.metrics()}`;
}

function setGauges(registry: Registry, { queue, directory }: Gauges): void {
  const gauge = (name: string, help: string, labels: string[] = []) =>
    new Gauge({ name, help, labelNames: labels, registers: [registry] });
  gauge('isthmus_queue_messages', 'Messages in the spool.').set(queue.messages);
  const recipients = gauge('isthmus_queue_recipients', 'Recipients in the spool, by status.', ['status']);
  for (const [status, count] of Object.entries(queue.byStatus)) recipients.set({ status }, count);
  gauge('isthmus_queue_oldest_seconds', 'Age of the oldest message in the spool.').set(queue.oldest ?? 0);
  const entries = gauge('isthmus_directory_entries', 'Entries of the last good snapshot.', ['source']);
  const age = gauge('isthmus_directory_age_seconds', 'Age of the last good snapshot.', ['source']);
  for (const source of directory) {
    entries.set({ source: source.source }, source.entries);
    if (source.goodAt) age.set({ source: source.source }, (Date.now() - source.goodAt.getTime()) / 1000);
  }
}
