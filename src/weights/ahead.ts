/**
 * The same items, the first of which is asked for at once, before anybody wants it.
 */
export function ahead<T>(items: AsyncGenerator<T>): AsyncIterableIterator<T> {
  let first: Promise<IteratorResult<T>> | null = items.next();
  // Thrown where it is awaited.
  first.catch(() => {});
  return {
    next() {
      const item = first ?? items.next();
      first = null;
      return item;
    },
    return: () => items.return(undefined),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
