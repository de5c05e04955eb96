/**
 * serve/messages - what supervisor and roles say to each other over the pipe between them.
 */

/** From the supervisor to a role. `settings` is whatever main.ts makes of the configuration; opaque here. */
export type ToRole =
  | { readonly kind: 'start'; readonly settings: unknown }
  | { readonly kind: 'reload'; readonly id: number; readonly settings: unknown }
  | { readonly kind: 'drain'; readonly graceMs: number }
  | { readonly kind: 'metrics'; readonly id: number }
  /** Answer to `gather`: one value for each role that answered in time. */
  | {
      readonly kind: 'gathered';
      readonly id: number;
      readonly values: readonly unknown[];
      readonly roles: readonly RoleState[];
    };

/** From a role to the supervisor. */
export type FromRole =
  | { readonly kind: 'ready'; readonly facts: Readonly<Record<string, unknown>> }
  /** It could not start, and ends. */
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'reloaded'; readonly id: number; readonly trouble?: string }
  | { readonly kind: 'metrics'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'gather'; readonly id: number };

export interface RoleState {
  readonly role: string;
  readonly copy: number;
  readonly pid?: number;
  readonly state: 'starting' | 'ready' | 'waiting' | 'draining' | 'stopped';
  readonly restarts: number;
}
