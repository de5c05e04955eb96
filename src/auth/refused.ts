/**
 * auth/refused - ends an attempt from within: what the protocol is told, and for our log the reason.
 */
import type { Refusal } from '../ports/authenticator.ts';

export class Refused extends Error {
  override readonly name = 'Refused';
  readonly because: Refusal;

  constructor(because: Refusal, detail: string) {
    super(detail);
    this.because = because;
  }
}
