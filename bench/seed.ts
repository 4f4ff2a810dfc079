import { derivedUuid, uuidv7, type EventMetadata, type NewEvent } from '#eventsourcing';
import { PostgresEventStore } from '#eventstore-postgres';
import { runKinds, runStream, type RunBirth, type RunFact } from '#runs';
import type { Bench } from './bench.js';

export interface Seeded {
  readonly runIds: readonly string[];
  readonly sessionIds: readonly string[];
  /** One run's birth, whose values select some of the others too. */
  readonly example: RunBirth;
}

const inFlight = 2_000;
const sessionCount = 1_000;

/** Stores runs straight into the event store, and waits until the read model has them. */
export const seed = async (bench: Bench): Promise<Seeded> => {
  const me = await bench.call<{ principal_id: string; project_id: string; user_id: string }>('GET', '/v1/me');
  const sessionIds: string[] = [];
  while (sessionIds.length < Math.min(sessionCount, bench.options.runs)) {
    sessionIds.push((await bench.call<{ id: string }>('POST', '/v1/sessions', {})).id);
  }
  const births: RunBirth[] = [];
  const store = new PostgresEventStore(bench.server.databaseUrl);
  try {
    for (let first = 0; first < bench.options.runs; first += inFlight) {
      const batch = Array.from({ length: Math.min(inFlight, bench.options.runs - first) }, (_, n) =>
        birth(first + n, me, sessionIds),
      );
      await Promise.all(
        batch.map((data, n) =>
          store.append(runStream(data.run_id), 'none', events(data, first + n, me.principal_id)),
        ),
      );
      if (births.length < inFlight) births.push(...batch);
    }
  } finally {
    await store.close();
  }
  await bench.catchUp();
  const [example] = births;
  if (example === undefined) throw new RangeError('at least one run must be seeded');
  return { runIds: births.map((data) => data.run_id), sessionIds, example };
};

const birth = (
  n: number,
  { project_id, user_id }: { project_id: string; user_id: string },
  sessionIds: readonly string[],
): RunBirth => {
  const run_id = uuidv7();
  const session_id = sessionIds[n % sessionIds.length];
  return {
    run_id,
    project_id,
    user_id,
    task_id: derivedUuid('task', String(n % 10_000)),
    job_id: derivedUuid('job', String(n % 5_000)),
    ...(session_id !== undefined && { session_id }),
    root_run_id: run_id,
    kind: runKinds[n % runKinds.length] ?? 'job',
    source: `source-${n % 20}`,
    metadata: { team: `team-${n % 200}` },
    max_attempts: 3,
  };
};

/** One run in four has started, one in eight has completed. */
const events = (data: RunBirth, n: number, actor: string): NewEvent[] => {
  const session = data.session_id === undefined ? {} : { session_id: data.session_id };
  const facts: RunFact[] = [{ type: 'RunCreated', data }];
  if (n % 4 === 0) facts.push({ type: 'RunStarted', data: { from: 'pending', ...session } });
  if (n % 8 === 0) facts.push({ type: 'RunCompleted', data: { from: 'running', ...session } });
  const metadata: EventMetadata = {
    $correlationId: data.run_id,
    $causationId: data.run_id,
    actor,
    project: data.project_id,
    at: new Date().toISOString(),
  };
  return facts.map((fact) => ({ id: uuidv7(), ...fact, metadata }));
};
