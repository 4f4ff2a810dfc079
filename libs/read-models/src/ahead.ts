/**
 * Fetches the next item while the present one is being worked on. The source is told by its signal
 * when nobody listens any more, so that a fetch that waits for something new ends too.
 */
export async function* ahead<T>(source: (signal: AbortSignal) => AsyncIterable<T>): AsyncGenerator<T> {
  const unheard = new AbortController();
  const iterator = source(unheard.signal)[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      const item = await next;
      if (item.done === true) return;
      next = iterator.next();
      // Its failure is heard when it is awaited; until then it is nobody's.
      next.catch(() => undefined);
      yield item.value;
    }
  } finally {
    unheard.abort();
    await iterator.return?.();
  }
}
