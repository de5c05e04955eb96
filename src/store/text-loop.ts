/**
 * store/text-loop - what runs in a TextProcess: pieces in, texts out, until its parent is gone.
 */
import { makeTexts, type Pieces } from './text-make.ts';
import type { Answer } from './text-process.ts';

const answer = (of: Pieces): Answer => {
  try {
    return { made: makeTexts(of) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
};

process.on('message', (pieces: Pieces) => {
  process.send?.(answer(pieces));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
