/**
 * bench/postfix - Debian's Postfix as the measure: accept, queue durably, deliver to the sink.
 *
 * Everything that decides about speed is as Debian ships it; only the number of processes is raised where more
 * connections are opened than its default of 100 permits.
 */
import { postfixInTheMiddle, type System } from '../fixture/system.ts';

export const benchDomain = 'sink.test';

export const startPostfixUnderTest = (sinkPort: number, connections: number): Promise<System> =>
  postfixInTheMiddle(
    [{ site: 'sink', domains: [benchDomain], port: sinkPort }],
    connections > 90 ? { default_process_limit: String(connections + 50) } : {},
  );
