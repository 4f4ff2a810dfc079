import { atLeast, interleaved, type Row } from '../row.js';

const create = (name: string, path: string, body: object): Row => ({
  name,
  measure: async (bench) => {
    const connections = 16;
    const { created, empty } = await interleaved(bench.options.rounds, {
      empty: () => bench.empty(connections),
      created: () => bench.load({ connections, method: 'POST', path, body }),
    });
    await bench.catchUp();
    return {
      figures: [created],
      references: [empty],
      targets: [atLeast('>= 0.5 x an empty POST', created.value / empty.value, 0.5)],
    };
  },
});

export const creations: readonly Row[] = [
  create('create-run', '/v1/runs', { kind: 'job', source: 'bench', metadata: { team: 'bench' } }),
  create('create-session', '/v1/sessions', { title: 'A session of the bench', tags: ['bench'] }),
];
