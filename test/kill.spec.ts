import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RecordedEvent } from '#eventsourcing';
import { fold } from '#eventsourcing';
import { PostgresEventStore } from '#eventstore-postgres';
import type { LogAppended } from '#logs';
import type { RunState } from '#runs';
import { runDecider } from '#runs';
import { sessionDecider } from '#sessions';
import { inTurns, LedgerLoad } from './support/ledger-load.js';
import { SupervisedService, type Victim } from './support/supervised-service.js';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 9);
const victims: readonly Victim[] = ['server', 'postgres', 'both'];

interface Line {
  readonly seq: number;
  readonly message: string;
}
type Resource = Readonly<Record<string, unknown>> & { readonly id: string };

describe(`after ${rounds} times kill -9 of the server, of Postgres, of both, under load`, () => {
  let service: SupervisedService;
  let load: LedgerLoad;
  /** Events by stream, in the order of the store. */
  const streams = new Map<string, RecordedEvent[]>();
  let token = '';
  let runs: Map<string, Resource>;
  let sessions: Map<string, Resource>;

  beforeAll(
    async () => {
      service = new SupervisedService();
      await service.ready();
      load = new LedgerLoad(service);
      for (let round = 0; round < rounds; round++) {
        await load.more(50 + Math.floor(Math.random() * 400));
        await service.killAndRecover(victims[round % victims.length] ?? 'both');
      }
      await load.more(50);
      await load.settle();
      await load.repeatAll();
      token = await lastToken();
      [runs, sessions] = await Promise.all([listed('/v1/runs?'), listed('/v1/sessions?include_empty=true&')]);
      const store = new PostgresEventStore(service.databaseUrl);
      for await (const event of store.readAll()) {
        const stream = streams.get(event.stream);
        if (stream === undefined) streams.set(event.stream, [event]);
        else stream.push(event);
      }
      await store.close();
    },
    300_000 + rounds * 30_000,
  );

  afterAll(async () => {
    await service.stop();
  });

  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${service.url}${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${service.key}`,
        'content-type': 'application/json',
        ...(token !== '' && { 'consistency-token': token }),
      },
    });

  const read = async <T>(path: string): Promise<T> => {
    const response = await call(path);
    expect([path, response.status]).toEqual([path, 200]);
    return (await response.json()) as T;
  };

  /** A read that sends the token of one last write sees all that was written before. */
  const lastToken = async (): Promise<string> => {
    const response = await call('/v1/runs', { method: 'POST', body: '{"source":"last"}' });
    return response.headers.get('consistency-token') ?? '';
  };

  /** All pages of a list, by id; an id that comes twice fails. */
  const listed = async (path: string): Promise<Map<string, Resource>> => {
    const all = new Map<string, Resource>();
    let cursor = '';
    do {
      const page = await read<{ data: Resource[]; next_cursor: string | null }>(
        `${path}limit=100${cursor && `&cursor=${cursor}`}`,
      );
      for (const resource of page.data) {
        expect(all.has(resource.id)).toBe(false);
        all.set(resource.id, resource);
      }
      cursor = page.next_cursor ?? '';
    } while (cursor !== '');
    return all;
  };

  const logOf = async (run: string): Promise<Line[]> => {
    const lines: Line[] = [];
    for (;;) {
      const { data } = await read<{ data: Line[] }>(
        `/v1/runs/${run}/logs?limit=10000&after_seq=${lines.length}`,
      );
      if (data.length === 0) return lines;
      lines.push(...data);
    }
  };

  const ofKind = (kind: string): [id: string, events: RecordedEvent[]][] =>
    [...streams].flatMap(([name, events]) =>
      name.startsWith(`${kind}-`) ? [[name.slice(kind.length + 1), events]] : [],
    );

  test('there was something to lose in every round', () => {
    expect(load.acknowledgements).toBeGreaterThan(rounds * 50);
    expect(load.unanswered.length).toBeGreaterThan(0);
  });

  test('every acknowledged run can be read, with what it was created with', async () => {
    await inTurns([...load.acknowledged.runs], async ([source, id]) => {
      expect(await read(`/v1/runs/${id}`)).toMatchObject({ id, source, input: { of: source } });
    });
  });

  test('every run has the status that was acknowledged last', () => {
    for (const [id, status] of load.acknowledged.statuses) expect(runs.get(id)).toMatchObject({ status });
  });

  test('every acknowledged session can be read, with what it was created with', async () => {
    await inTurns([...load.acknowledged.sessions], async ([external_id, id]) => {
      expect(await read(`/v1/sessions/${id}`)).toMatchObject({ id, external_id });
    });
  });

  test('requests sent again with their key have made exactly one run each', () => {
    const sources = [...runs.values()].map(({ source }) => source);
    expect(sources.sort()).toEqual([...load.acknowledged.runs.keys(), 'last'].sort());
  });

  test('there is one session for each external id, and no other', () => {
    const names = [...sessions.values()].map(({ external_id }) => external_id);
    expect(names.sort()).toEqual([...load.acknowledged.sessions.keys()].sort());
  });

  test('every log line is at the seq that was acknowledged, once, without a gap', async () => {
    for (const [run, acknowledged] of load.acknowledged.lines) {
      const lines = await logOf(run);
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, n) => n + 1));
      expect(lines.map(({ seq, message }) => [seq, message])).toEqual(
        [...acknowledged].sort(([a], [b]) => a - b),
      );
    }
  });

  test('events are numbered without a gap in every stream, and none is there twice', () => {
    for (const events of streams.values()) {
      expect(events.map(({ revision }) => revision)).toEqual(events.map((_, n) => n));
    }
    const ids = [...streams.values()].flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('the read models say what a fresh fold of the events says', async () => {
    const folded = new Map(ofKind('run').map(([id, events]) => [id, fold(runDecider, events) as RunState]));
    expect([...runs.keys()].sort()).toEqual([...folded.keys()].sort());
    for (const [id, { behind: _behind, ...run }] of folded) expect(runs.get(id)).toMatchObject(run);

    expect([...sessions.keys()].sort()).toEqual(
      ofKind('session')
        .map(([id]) => id)
        .sort(),
    );
    for (const [id, events] of ofKind('session')) {
      const {
        holders: _h,
        deleted_at: _d,
        budget_revision: _b,
        paused_by: _p,
        ...own
      } = fold(sessionDecider, events) ?? {};
      const pending = [...folded.values()].filter(({ session_id }) => session_id === id).length;
      expect(sessions.get(id)).toMatchObject({ ...own, run_counts: { pending } });
    }

    for (const [id, events] of ofKind('runLog')) {
      const lines = events.flatMap(({ data }) => (data as LogAppended['data']).entries);
      expect(await logOf(id)).toEqual(lines.map((line, n) => ({ seq: n + 1, ...line })));
    }
  });
});
