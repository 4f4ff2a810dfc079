import { uuidv7, type EventMetadata, type Fact } from '#eventsourcing';
import { PostgresEventStore } from '#eventstore-postgres';
import { runStream, type RunFact } from '#runs';
import { type SessionBirth, type SessionFact, sessionStream } from '#sessions';
import type { Bench } from './bench.js';

/** One of the sessions that were stored, whose id and values select some of the others. */
export type SeededSession = SessionBirth;

interface Me {
  readonly principal_id: string;
  readonly project_id: string;
  readonly user_id: string;
}

const inFlight = 2_000;
const words = [
  'invoice',
  'weather',
  'travel',
  'deploy',
  'garden',
  'kitchen',
  'piano',
  'quartz',
  'zebra',
  'oxygen',
];

/** Stores sessions, a run in one of five, straight into the event store, and waits until the read model has them. */
export async function seedSessions(bench: Bench): Promise<SeededSession> {
  const me = await bench.call<Me>('GET', '/v1/me');
  const store = new PostgresEventStore(bench.server.databaseUrl);
  const births: SessionBirth[] = [];
  try {
    for (let first = 0; first < bench.options.sessions; first += inFlight) {
      const count = Math.min(inFlight, bench.options.sessions - first);
      const batch = Array.from({ length: count }, (_, n) => birth(first + n, me, births));
      const append = (stream: string, facts: readonly Fact[]): Promise<unknown> =>
        store.append(
          stream,
          'none',
          facts.map((fact) => ({ id: uuidv7(), ...fact, metadata: envelope(me) })),
        );
      await Promise.all(
        batch.flatMap((one, n) => {
          const told = append(sessionStream(one.session_id), toldOfSession(one, first + n));
          if ((first + n) % 5 !== 0) return [told];
          const run = uuidv7();
          return [told, append(runStream(run), toldOfRun(run, one, first + n))];
        }),
      );
      births.push(...batch);
    }
  } finally {
    await store.close();
  }
  await bench.catchUp();
  const example = births[Math.min(250, births.length - 1)];
  if (example === undefined) throw new RangeError('at least one session must be seeded');
  return example;
}

const wordOf = (n: number): string => words[n % words.length] ?? '';

function birth(n: number, me: Me, before: readonly SessionBirth[]): SessionBirth {
  const parent = n % 10 === 5 ? before[Math.floor(n / 200)] : undefined;
  return {
    session_id: uuidv7(),
    project_id: me.project_id,
    user_id: me.user_id,
    owner_principal_id: me.principal_id,
    title: `Ticket ${n} about the ${wordOf(n)} and the ${wordOf(n * 7 + 3)}`,
    tags: [`team-${n % 200}`, `kind-${n % 5}`],
    external_id: `bench-${n}`,
    ...(parent !== undefined && { parent_session_id: parent.session_id }),
    metadata: { n },
  };
}

/** One in a thousand is paused, one in fifty archived. */
function toldOfSession(data: SessionBirth, n: number): SessionFact[] {
  const facts: SessionFact[] = [
    { type: 'SessionCreated', data },
    { type: 'SessionAliasChanged', data: { alias: `alias-${n}` } },
  ];
  const budget = { max_tokens: 1, max_cost_usd: null };
  if (n % 1_000 === 0) {
    const used = { used_tokens: 1, used_cost_usd: 0 };
    facts.push({ type: 'SessionPaused', data: { reason: 'max_tokens', budget: { ...budget, ...used } } });
  }
  if (n % 50 === 20) facts.push({ type: 'SessionArchived', data: {} });
  return facts;
}

/** Some runs have not started, some are running; all others have failed, for no transcript is made then. */
function toldOfRun(run_id: string, { session_id, project_id, user_id }: SessionBirth, n: number): RunFact[] {
  const born = { run_id, project_id, user_id, session_id, task_id: run_id, root_run_id: run_id };
  const text = `Question ${n}: what of the ${wordOf(n * 3 + 1)} of customer ${n % 977}?`;
  const facts: RunFact[] = [
    { type: 'RunCreated', data: { ...born, kind: 'turn', metadata: {}, max_attempts: 3 } },
  ];
  if (n % 50 === 10) return facts;
  facts.push({ type: 'RunStarted', data: { from: 'pending', session_id } });
  facts.push({ type: 'RunEventRecorded', data: { type: 'user', data: { text }, session_id } });
  if (n % 100 !== 5) facts.push({ type: 'RunFailed', data: { from: 'running', session_id } });
  return facts;
}

const envelope = ({ principal_id, project_id }: Me): EventMetadata => ({
  $correlationId: principal_id,
  $causationId: principal_id,
  actor: principal_id,
  project: project_id,
  at: new Date().toISOString(),
});
