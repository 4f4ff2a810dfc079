import { Connection, requestBytes } from './connection.js';
import { Latencies } from './latencies.js';
import type { BenchServer } from './processes.js';

export interface ReadsResult {
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Reads that were not answered 200. */
  readonly failed: number;
}

/**
 * Readers in this process, one request in flight each, that take the paths in turn for as long as `work` takes.
 * @throws what `work` throws
 */
export const readDuring = async (
  { url, key }: BenchServer,
  readers: number,
  paths: readonly string[],
  work: () => Promise<unknown>,
): Promise<ReadsResult> => {
  const { hostname, port, host } = new URL(url);
  const requests = paths.map((path) =>
    requestBytes({ host, key, method: 'GET', path, contentType: 'application/json' }),
  );
  const latencies = new Latencies();
  let [over, failed, next] = [false, 0, 0];
  const reader = async (): Promise<void> => {
    const connection = new Connection(hostname, Number(port));
    while (!over) {
      const start = performance.now();
      const status = await connection.send(requests[next++ % requests.length] as Buffer);
      latencies.add(performance.now() - start);
      if (status !== 200) failed++;
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
  return { per_second: (latencies.count * 1_000) / (performance.now() - start), p50_ms, p99_ms, failed };
};
