/**
 * sieve/trouble - a script that cannot go on: the message is kept, and its owner is told (RFC 5228 §2.10.6).
 */
import type { Place } from '../protocol/sieve/syntax.ts';

export class SieveTrouble extends Error {
  override readonly name = 'SieveTrouble';
  readonly script: string;
  readonly place: Place;

  constructor(script: string, place: Place, text: string) {
    super(text);
    this.script = script;
    this.place = { line: place.line, column: place.column };
  }
}
