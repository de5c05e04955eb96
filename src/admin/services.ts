/**
 * admin/services - what the commands work with; main.ts opens it from the configuration and hands it in.
 */
import type { Directory, Homes } from '../ports/directory.ts';
import type { QueueControl } from '../ports/queue-control.ts';
import type { Routing } from '../ports/routing.ts';
import type { Trace } from '../ports/trace.ts';
import type { Compiled } from '../route/compile.ts';

export interface Services {
  readonly queue: QueueControl;
  readonly trace: Trace;
  readonly directory: Directory;
  readonly homes: Homes;
  readonly routing: Routing;
  /** The rules that `routing` goes by. */
  readonly compiled: Compiled;
  /** Names of the configured sites. */
  readonly sites: readonly string[];
  /** Asks the process that refreshes to do so now. */
  readonly refreshDirectory: (wish: {
    readonly full: boolean;
    readonly acceptLoss: boolean;
  }) => Promise<void>;
  close(): Promise<void>;
}

/** Where commands write, and how they end. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** 0 well; 1 the answer is no; 64 wrong usage; what else there is says src/main.ts. */
  exit(code: number): void;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Who gives the command, for the trace. */
  readonly operator: string;
}

export type OpenServices = (configFile: string | undefined) => Promise<Services>;

/** Opens, works, closes, whatever happens. */
export async function withServices<T>(
  open: OpenServices,
  configFile: string | undefined,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const services = await open(configFile);
  try {
    return await work(services);
  } finally {
    await services.close();
  }
}
