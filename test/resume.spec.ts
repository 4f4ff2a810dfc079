import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Api, type Body } from './support/api.js';
import { type Followed, ResumingFollower, type Told } from './support/resuming-follower.js';
import type { Frame } from './support/sse.js';
import { SupervisedService, until, type Victim } from './support/supervised-service.js';
import { appended, logged, TimelineLoad } from './support/timeline-load.js';

const resumes = Number(process.env['RESUMES'] ?? 150);
const victims: readonly Victim[] = ['server', 'both', 'postgres'];
const kills = Math.max(victims.length, Math.round(resumes / 1_000));
const followersOfEach = 6;
const cutsForEachAnswer = 3;

const below = (most: number): number => Math.floor(Math.random() * most);
const someOf = <T>(all: readonly T[]): T[] => all.filter(() => Math.random() < 0.5);

/** A filter of the feed, and what it selects as the test understands it. */
interface Filter {
  readonly query: string;
  readonly selects: (event: Body) => boolean;
}

/** No filter hides the event that the feed of a session ends with. */
const lastType = 'x.last';
const types = [
  ...appended,
  'run.created',
  'run.updated',
  'run.started',
  'session.created',
  'session.updated',
];

function randomFilter(): Filter {
  const some = someOf(types);
  // A list names one at least.
  const unwanted = ['x.never', ...some];
  const number = below(40);
  const time = new Date().toISOString();
  const filters: readonly Filter[] = [
    { query: '', selects: () => true },
    {
      query: `types=${[...some, lastType].join(',')}`,
      selects: ({ type }) => [...some, lastType].includes(String(type)),
    },
    {
      query: `exclude=${unwanted.join(',')}`,
      selects: ({ type }) => !some.includes(String(type)),
    },
    {
      query: `starting_after=${number}&exclude=${unwanted.join(',')}`,
      selects: ({ type, sequence_number }) =>
        Number(sequence_number) > number && !some.includes(String(type)),
    },
    { query: `after=${time}`, selects: ({ created_at }) => String(created_at) > time },
  ];
  return filters[below(filters.length)] as Filter;
}

/** The first place where what was told is not what was selected. */
function difference(told: readonly Told[], selected: readonly Told[]): object | undefined {
  const length = Math.max(told.length, selected.length);
  for (let n = 0; n < length; n++) {
    if (JSON.stringify(told[n]) !== JSON.stringify(selected[n]))
      return { n, told: told[n], selected: selected[n] };
  }
  return undefined;
}

describe(`after ${resumes} resumes and ${kills} times kill -9 of the server, of Postgres, of both, while writers append`, () => {
  let service: SupervisedService;
  let api: Api;
  const followers: ResumingFollower[] = [];
  const count = (): number => followers.reduce((sum, follower) => sum + follower.resumes, 0);

  /** The feed of a run or a session, through a random filter. */
  const followed = (feed: string, isLast: Followed['isLast']): Followed => {
    const { query, selects } = randomFilter();
    return {
      path: `${feed}?${query}`,
      isLast,
      selected: async () =>
        (await wholeFeed(feed))
          .filter(selects)
          .map((data) => ({ id: Number(data['sequence_number']), data })),
    };
  };

  /** The log of a run, all of it or the lines of one level. */
  const followedLog = (feed: string): Followed => {
    const level = [undefined, ...logged][below(logged.length + 1)];
    return {
      path: level === undefined ? feed : `${feed}?level=${level}`,
      isLast: isEnd,
      selected: async () =>
        (await wholeFeed(feed))
          .filter((line) => level === undefined || line['level'] === level)
          .map((data) => ({ id: Number(data['seq']), data })),
    };
  };

  const feeds = new Map<string, Promise<Body[]>>();
  const wholeFeed = (feed: string): Promise<Body[]> => {
    const read = feeds.get(feed) ?? pagesOf(feed);
    feeds.set(feed, read);
    return read;
  };

  const pagesOf = async (feed: string): Promise<Body[]> => {
    const events: Body[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await api.get(`${feed}?limit=10000${cursor}`);
      events.push(...(body['data'] as Body[]));
      const next = body['next_cursor'] as string | null;
      if (next === null) return events;
      cursor = `&cursor=${next}`;
    }
  };

  const isEnd = ({ event }: Frame): boolean => event === 'end';
  /** A session's stream has no end while the session lives. */
  const isLast = ({ event }: Frame): boolean => event === lastType;

  beforeAll(
    async () => {
      service = new SupervisedService();
      await service.ready();
      const first = new Api(service.url, service.key);
      const sessions = [await first.made('/sessions'), await first.made('/sessions')].map(({ id }) => id);
      const runs: string[] = [];
      for (const path of [
        '/runs',
        ...sessions.flatMap((id) => [`/sessions/${id}/runs`, `/sessions/${id}/runs`]),
      ]) {
        const { id } = await first.made(path, { on_active_run: 'allow' });
        await first.patch(`/runs/${id}`, { status: 'running' });
        runs.push(id);
      }
      // A key that the server must look up, again and again.
      const { key } = await first.made('/api-keys', {
        name: 'follower',
        project_id: 'default',
        role: 'auditor',
      });
      const load = new TimelineLoad(service, runs, sessions, () => {
        for (let n = 0; n < cutsForEachAnswer; n++) followers[below(followers.length)]?.cut();
      });
      for (let n = 0; n < followersOfEach; n++) {
        const all = [
          ...runs.map((run) => followed(`/runs/${run}/events`, isEnd)),
          ...sessions.map((id) => followed(`/sessions/${id}/events`, isLast)),
          ...runs.map((run) => followedLog(`/runs/${run}/logs`)),
        ];
        followers.push(
          ...all.map((one) => new ResumingFollower(service, String(key), one, () => 1 + below(2_000))),
        );
      }
      let failure: unknown;
      const following = Promise.all(followers.map((follower) => follower.follow())).catch(
        (error: unknown) => (failure = error),
      );
      const more = async (number: number): Promise<void> => {
        const enough = count() + number;
        await until(() => {
          load.check();
          if (failure !== undefined) throw failure as Error;
          return count() >= enough;
        });
      };
      for (let n = 0; n < kills; n++) {
        await more(resumes / (kills + 1));
        await service.killAndRecover(victims[n % victims.length] ?? 'both');
      }
      await more(resumes / (kills + 1));
      await load.settle();
      api = new Api(service.url, service.key);
      for (const run of runs) await api.patch(`/runs/${run}`, { status: 'completed' });
      for (const id of sessions) {
        const run = await api.made(`/sessions/${id}/runs`);
        await api.post(`/runs/${run.id}/events`, { events: [{ type: lastType }] });
      }
      await following;
      if (failure !== undefined) throw failure as Error;
    },
    300_000 + resumes * 100,
  );

  afterAll(async () => {
    await service.stop();
  });

  test('there was something to lose', () => {
    expect(count()).toBeGreaterThanOrEqual(resumes);
    // A filter may select nothing of a short run; that it was told no less the next test knows.
    const told = followers.filter((follower) => follower.told.length > 0);
    expect(told.length).toBeGreaterThan(followers.length / 2);
  });

  test(
    'every follower was told exactly what its filter selects, in order, nothing lost and nothing twice',
    async () => {
      for (const { followed: one, told } of followers) {
        expect([one.path, difference(told, await one.selected())]).toEqual([one.path, undefined]);
      }
    },
    300_000 + resumes * 10,
  );
});
