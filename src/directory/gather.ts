/**
 * directory/gather - many questions at once become one.
 *
 * Whoever asks while an answer is being fetched joins the next batch. A key that
 * is asked for twice in one batch is fetched once. A caller that gives up leaves
 * alone; the batch goes on for the others.
 */
export type Ask<Answer> = (key: string, signal: AbortSignal) => Promise<Answer>;

interface Waiter<Answer> {
  readonly promise: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** `fetch` answers every key it is given. At most `parallel` batches of at most `most` keys are on their way. */
export function gather<Answer>(
  fetch: (keys: readonly string[]) => Promise<ReadonlyMap<string, Answer>>,
  { most = 500, parallel = 2 }: { readonly most?: number; readonly parallel?: number } = {},
): Ask<Answer> {
  let waiting = new Map<string, Waiter<Answer>>();
  let busy = 0;
  let scheduled = false;

  const schedule = (): void => {
    if (scheduled || busy >= parallel || waiting.size === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void send();
    });
  };

  const send = async (): Promise<void> => {
    const batch = [...waiting].slice(0, most);
    waiting = new Map([...waiting].slice(most));
    busy += 1;
    schedule();
    try {
      const answers = await fetch(batch.map(([key]) => key));
      for (const [key, waiter] of batch) waiter.resolve(answers.get(key)!);
    } catch (error) {
      for (const [, waiter] of batch) waiter.reject(error);
    } finally {
      busy -= 1;
      schedule();
    }
  };

  return (key, signal) => {
    if (signal.aborted) return Promise.reject(signal.reason);
    let waiter = waiting.get(key);
    if (!waiter) {
      waiter = Promise.withResolvers<Answer>();
      waiter.promise.catch(() => {});
      waiting.set(key, waiter);
      schedule();
    }
    return abortable(waiter.promise, signal);
  };
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
