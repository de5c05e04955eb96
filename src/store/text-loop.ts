/**
 * store/text-loop - what runs in a TextProcess: pieces in, texts out, until its parent is gone.
 */
import { makeTexts, type Pieces } from './text-make.ts';
import type { Answer } from './text-process.ts';

const answer = async (of: Pieces): Promise<Answer> => {
  try {
    return { made: await makeTexts(of) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
};

process.on('message', (pieces: Pieces) => {
  void answer(pieces).then((made) => process.send?.(made));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
