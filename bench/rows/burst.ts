import { below, type Row } from '../row.js';
import { batch } from './append-batch.js';

export const burst: Row = {
  name: 'burst',
  measure: async (bench) => {
    const connections = 8;
    const empty = await bench.empty(connections);
    const ids = await Promise.all(Array.from({ length: connections }, () => bench.createRun()));
    const path = ids.map((id) => `/v1/runs/${id}/logs`);
    await bench.catchUp();
    await bench.forgetPeakMemory();
    const requests = Math.ceil(bench.options.burstEntries / batch.entries.length);
    const { per_second, p50_ms, p99_ms } = await bench.load(
      { connections, method: 'POST', path, body: batch },
      requests,
    );
    const seconds = (await bench.catchUp()) / 1000;
    const megabytes = await bench.peakMemory();
    return {
      figures: [
        { name: 'burst', value: per_second * batch.entries.length, unit: 'entries/s', p50_ms, p99_ms },
        { name: 'lag zero after', value: seconds, unit: 's' },
        { name: 'peak memory of the server', value: megabytes, unit: 'MB' },
      ],
      references: [
        {
          name: 'empty',
          value: empty.per_second,
          unit: 'requests/s',
          p50_ms: empty.p50_ms,
          p99_ms: empty.p99_ms,
        },
      ],
      targets: [
        below(`lag zero within 3 s after ${bench.options.burstEntries} entries`, seconds, 3),
        below('server memory < 400 MB', megabytes, 400),
      ],
    };
  },
};
