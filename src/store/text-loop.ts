/**
 * store/text-loop - what runs in a TextThread: pieces in, texts out.
 */
import { parentPort } from 'node:worker_threads';
import { makeTexts, type Pieces } from './text-make.ts';

parentPort?.on('message', (pieces: Pieces) => {
  try {
    const made = makeTexts(pieces);
    parentPort?.postMessage(made, [made.grams.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
});
