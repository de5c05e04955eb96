/**
 * access/imap/ahead - the next few are prepared while one is written.
 */

/** In order. What is there at once costs no waiting for its turn. */
export async function* ahead<Item, Made>(
  items: readonly Item[],
  prepare: (item: Item) => Made | Promise<Made>,
  atOnce: number,
): AsyncGenerator<readonly [Item, Made]> {
  const coming: (Made | Promise<Made>)[] = [];
  let next = 0;
  for (const item of items) {
    for (; next < items.length && coming.length < atOnce; next++) {
      const made = prepare(items[next] as Item);
      // Whoever takes it hears of it; who goes away before need not.
      if (made instanceof Promise) made.catch(() => {});
      coming.push(made);
    }
    const made = coming.shift() as Made | Promise<Made>;
    yield [item, made instanceof Promise ? await made : made];
  }
}
