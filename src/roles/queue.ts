/** Events on their way into a role, in the order they happened. */
export interface Queue<T> {
  push(item: T): void;
  /** The next item; null once the queue was closed and is empty. */
  next(): Promise<T | null>;
  close(): void;
}

/** An empty queue. Its sources wait for answers themselves, so it holds at most one item for each question under way. */
export function queue<T>(): Queue<T> {
  const items: T[] = [];
  let waiting: ((item: T | null) => void) | null = null;
  let closed = false;
  const wake = (item: T | null): boolean => {
    const resolve = waiting;
    waiting = null;
    resolve?.(item);
    return resolve !== null;
  };
  return {
    push: (item) => {
      if (!closed && !wake(item)) items.push(item);
    },
    next: () => {
      const item = items.shift();
      if (item !== undefined) return Promise.resolve(item);
      if (closed) return Promise.resolve(null);
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
    close: () => {
      closed = true;
      wake(null);
    },
  };
}
