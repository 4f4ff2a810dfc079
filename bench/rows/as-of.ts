import { below, interleaved, type Row } from '../row.js';

const events = 10_000;
const atOnce = 1_000;
const places = 97;

export const asOf: Row = {
  name: 'as-of-10000',
  measure: async (bench) => {
    const run = await bench.createRun();
    const batch = Array.from({ length: atOnce }, (_, n) => ({
      type: 'message.output.delta',
      data: { delta: `word ${n} ` },
    }));
    for (let n = 1; n < events; n += atOnce) {
      await bench.call('POST', `/v1/runs/${run}/events`, { events: batch.slice(0, events - n) });
    }
    await bench.catchUp();
    const path = Array.from(
      { length: places },
      (_, n) => `/v1/runs/${run}?as_of=${Math.ceil(((n + 1) * events) / places)}`,
    );
    const { read, empty } = await interleaved(bench.options.rounds, {
      empty: () => bench.empty(1),
      read: () => bench.load({ connections: 1, method: 'GET', path }),
    });
    return {
      figures: [read],
      references: [empty],
      targets: [below(`p99 < 100 ms with ${events} events in the run`, read.p99_ms ?? NaN, 100)],
    };
  },
};
