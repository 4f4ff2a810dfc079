import type { Bench } from '../bench.js';
import { below, interleaved, type Row } from '../row.js';
import { seedSessions, type SeededSession } from '../seed-sessions.js';

const seededOf = new WeakMap<Bench, Promise<SeededSession>>();

/** The sessions are stored once per bench, when the first row needs them. */
const seeded = (bench: Bench): Promise<SeededSession> => {
  const stored = seededOf.get(bench) ?? seedSessions(bench);
  seededOf.set(bench, stored);
  return stored;
};

const list = (name: string, query: (example: SeededSession) => string): Row => ({
  name: `sessions-${name}`,
  measure: async (bench) => {
    const connections = 8;
    const path = `/v1/sessions?limit=20&${query(await seeded(bench))}`;
    const measures = {
      empty: () => bench.empty(connections),
      read: () => bench.load({ connections, method: 'GET', path }),
    };
    const { read: figure, empty } = await interleaved(bench.options.rounds, measures);
    return {
      figures: [figure],
      references: [empty],
      targets: [
        below(`p99 < 15 ms with ${bench.options.sessions} sessions stored`, figure.p99_ms ?? NaN, 15),
      ],
    };
  },
});

const minuteAgo = (): string => new Date(Date.now() - 60_000).toISOString();

export const sessionLists: readonly Row[] = [
  list('newest', () => ''),
  list('all', () => 'include_empty=true&archived=any'),
  list('by-idle', () => 'status=idle'),
  list('by-paused', () => 'status=paused'),
  list('by-two-statuses', () => 'status=started,active'),
  list('by-tag', ({ tags }) => `tag=${tags?.[0] ?? ''}`),
  list('by-two-tags', ({ tags }) => `tag=${tags?.[0] ?? ''}&tag=${tags?.[1] ?? ''}`),
  list('by-alias', () => 'alias=alias-777'),
  list('by-external-id', ({ external_id }) => `external_id=${external_id ?? ''}`),
  list('by-parent', ({ session_id }) => `parent_session_id=${session_id}`),
  list('by-user', ({ user_id }) => `user_id=${user_id}`),
  list('archived', () => 'archived=true'),
  list('created-after', () => `created_after=${minuteAgo()}`),
  list('created-before', () => `created_before=${minuteAgo()}&order=asc`),
  list('search-common', () => 'q=ticket'),
  list('search-title', () => 'q=ticket%20777%20'),
  list('search-preview', () => 'q=customer%20777'),
  list('search-none', () => 'q=nowhere%20to%20be%20found'),
  list('search-two-characters', () => 'q=qz'),
  list('search-one-character', () => 'q=%C3%9F'),
  list('search-common-and-status', () => 'q=zebra&status=paused'),
];
