/**
 * deliver/attempt - the time and the will for one delivery attempt.
 *
 * When the caller aborts, or the attempt takes longer than it may, the wire in use is broken, `signal` aborts for
 * whoever else waits, and `cut` says which of the two it was.
 */
import { PeerFault } from './fault.ts';
import type { Wire } from './wire.ts';

export class Attempt implements Disposable {
  #controller = new AbortController();
  #outer: AbortSignal;
  #timer: NodeJS.Timeout;
  #wire: Wire | undefined;
  #cut: 'aborted' | 'too long' | undefined;
  #onAbort = (): void => this.#stop('aborted');

  constructor(outer: AbortSignal, limit: number) {
    this.#outer = outer;
    this.#timer = setTimeout(() => this.#stop('too long'), limit);
    outer.addEventListener('abort', this.#onAbort, { once: true });
    if (outer.aborted) this.#stop('aborted');
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get cut(): 'aborted' | 'too long' | undefined {
    return this.#cut;
  }

  /** This wire is broken when the attempt is cut. */
  hold(wire: Wire): void {
    this.#wire = wire;
    if (this.#cut) wire.break(this.#fault());
  }

  release(): void {
    this.#wire = undefined;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#onAbort);
    this.#wire = undefined;
  }

  #stop(why: 'aborted' | 'too long'): void {
    if (this.#cut) return;
    this.#cut = why;
    this.#controller.abort(this.#fault());
    this.#wire?.break(this.#fault());
  }

  #fault(): PeerFault {
    return new PeerFault(
      'cut',
      this.#cut === 'aborted' ? 'the attempt was stopped' : 'the attempt took too long',
    );
  }
}
