/**
 * ports/metrics - numbers for Prometheus. Names are fixed here so that every room means the same by them.
 */
export const counters = {
  isthmus_connections_total: 'Connections taken, by listener.',
  isthmus_refusals_total: 'Commands and recipients refused, by listener and code.',
  isthmus_messages_accepted_total: 'Messages answered with 250, by listener.',
  isthmus_bytes_accepted_total: 'Octets of accepted messages, by listener.',
  isthmus_deliveries_total: 'Delivery outcomes per recipient, by nexthop kind and outcome.',
  isthmus_reports_total: 'Delivery status notifications made, by kind.',
  isthmus_trace_dropped_total: 'Trace rows of refusals dropped for want of room.',
  isthmus_directory_refreshes_total: 'Directory refreshes, by source and outcome.',
  isthmus_sign_ins_total: 'Sign-ins by service, mechanism and outcome.',
  isthmus_alarms_total: 'Alarms raised, by kind.',
} as const;

export const histograms = {
  isthmus_accept_seconds: 'From the end of DATA to 250.',
  isthmus_delivery_seconds: 'From accept to delivered.',
  isthmus_attempt_seconds: 'One delivery attempt.',
} as const;

export type CounterName = keyof typeof counters;
export type HistogramName = keyof typeof histograms;

export interface Metrics {
  count(name: CounterName, labels?: Readonly<Record<string, string>>, by?: number): void;
  /** Seconds. */
  observe(name: HistogramName, seconds: number): void;
}

export const noMetrics: Metrics = { count() {}, observe() {} };
