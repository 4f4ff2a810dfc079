import { setTimeout as delay } from 'node:timers/promises';
import { Connection, requestBytes } from './connection.js';
import { Latencies } from './latencies.js';
import type { BenchServer } from './processes.js';

export interface ReadsResult {
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Reads that were not answered 200. */
  readonly failed: number;
  /** Answers that were not, byte by byte, what the path had answered at first. */
  readonly different: number;
}

/**
 * Readers in this process, one request in flight each, that take the paths in turn for as long as `work` takes.
 * @param everyMs how long a reader waits between an answer and its next request, on average; 0: not at all
 * @throws what `work` throws
 */
export const readDuring = async (
  { url, key }: BenchServer,
  readers: number,
  paths: readonly string[],
  work: () => Promise<unknown>,
  everyMs = 0,
): Promise<ReadsResult> => {
  const { hostname, port, host } = new URL(url);
  const requests = paths.map((path) =>
    requestBytes({ host, key, method: 'GET', path, contentType: 'application/json' }),
  );
  const latencies = new Latencies();
  const first: Buffer[] = [];
  let [over, failed, different, next] = [false, 0, 0, 0];
  const reader = async (): Promise<void> => {
    const connection = new Connection(hostname, Number(port));
    while (!over) {
      const path = next++ % requests.length;
      const start = performance.now();
      const status = await connection.send(requests[path] as Buffer);
      latencies.add(performance.now() - start);
      if (status !== 200) failed++;
      else if (!(first[path] ??= connection.body).equals(connection.body)) different++;
      // Not all at the same moment.
      if (everyMs > 0) await delay(everyMs * (0.5 + Math.random()));
    }
    connection.close();
  };
  const start = performance.now();
  const all = Promise.all(Array.from({ length: readers }, reader));
  try {
    await work();
  } finally {
    over = true;
    await all;
  }
  const [p50_ms = NaN, p99_ms = NaN] = latencies.percentiles(0.5, 0.99);
  const per_second = (latencies.count * 1_000) / (performance.now() - start);
  return { per_second, p50_ms, p99_ms, failed, different };
};
