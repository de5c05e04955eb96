/**
 * admin/ask - a secret from whoever sits at the terminal, not shown while it is typed, or from a pipe.
 */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UsageError } from './usage.ts';

export interface Typing {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly err: (text: string) => void;
}

const longest = 4_096;

/** Asked twice at a terminal; the first line of anything else. */
export async function askSecret(what: string, { input, err }: Typing): Promise<string> {
  const terminal = input.isTTY === true;
  const dark = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: dark, terminal });
  try {
    const next = lines[Symbol.asyncIterator]();
    const line = async (prompt: string): Promise<string> => {
      if (terminal) err(prompt);
      const { value, done } = await next.next();
      if (done || value === '') throw new UsageError(`no ${what} was given: nothing was done`);
      if (value.length > longest) throw new UsageError(`a ${what} has ${longest} characters at most`);
      return value;
    };
    const first = await line(`New ${what}:`);
    if (terminal && (await line('Once more:')) !== first)
      throw new UsageError('these were two different ones: nothing was done');
    return first;
  } finally {
    lines.close();
  }
}
