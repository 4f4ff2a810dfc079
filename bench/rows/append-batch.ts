import { atLeast, below, interleaved, median, type Row } from '../row.js';

export const batch = {
  entries: Array.from({ length: 100 }, (_, n) => ({
    ts: '2026-01-01T00:00:00.000Z',
    stream: 'stdout',
    message: `line ${n} ${'x'.repeat(100)}`,
  })),
};

export const appendBatch: Row = {
  name: 'append-batch-100',
  measure: async (bench) => {
    const connections = 8;
    const ids = await Promise.all(Array.from({ length: connections }, () => bench.createRun()));
    const path = ids.map((id) => `/v1/runs/${id}/logs`);
    const caughtUp: number[] = [];
    const { append, empty } = await interleaved(bench.options.rounds, {
      empty: () => bench.empty(connections),
      append: async () => {
        const result = await bench.load({ connections, method: 'POST', path, body: batch });
        caughtUp.push(await bench.catchUp());
        return result;
      },
    });
    const entries = append.value * batch.entries.length;
    const seconds = median(caughtUp) / 1000;
    return {
      figures: [
        { ...append, value: entries, unit: 'entries/s' },
        { name: 'read model caught up after', value: seconds, unit: 's' },
      ],
      references: [empty],
      targets: [
        atLeast('>= 100,000 entries/s', entries, 100_000),
        below('read model caught up within 3 s', seconds, 3),
      ],
    };
  },
};
