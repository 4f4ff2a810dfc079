import type { Bench } from '../bench.js';
import { atLeast, interleaved, type Measured, type Row } from '../row.js';

const entry = { ts: '2026-01-01T00:00:00.000Z', stream: 'stdout', message: 'x'.repeat(200) };

const measure = async (bench: Bench, connections: number, runs: number): Promise<Measured> => {
  const ids = await Promise.all(Array.from({ length: runs }, () => bench.createRun()));
  const path = ids.map((id) => `/v1/runs/${id}/logs`);
  const { append, empty, raw } = await interleaved(bench.options.rounds, {
    empty: () => bench.empty(connections),
    append: () => bench.load({ connections, method: 'POST', path, body: { entries: [entry] } }),
    raw: () => bench.rawInsert(connections),
  });
  const ofEmpty = append.value / empty.value;
  return {
    figures: [append],
    references: [empty, raw],
    targets:
      connections === 16
        ? [atLeast('>= 0.6 x an empty POST', ofEmpty, 0.6)]
        : [
            atLeast('>= 0.75 x an empty POST', ofEmpty, 0.75),
            atLeast('>= 2 x a raw insert', append.value / raw.value, 2),
          ],
  };
};

export const appendOne: readonly Row[] = [16, 64].flatMap((connections) => [
  {
    name: `append-one-${connections}`,
    measure: (bench: Bench) => measure(bench, connections, connections),
  },
  {
    name: `append-one-${connections}-same-run`,
    measure: (bench: Bench) => measure(bench, connections, 1),
  },
]);
