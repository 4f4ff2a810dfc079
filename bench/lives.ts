import { type RecordedEvent, uuidv7 } from '#eventsourcing';
import { PostgresEventStore } from '#eventstore-postgres';
import type { Bench } from './bench.js';

/** Ids that the service made; they begin with the time. */
const madeIds = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
const inFlight = 200;

/** Has an agent work through the API, in a session of its own. @returns what was stored of it, in order */
export async function live(bench: Bench): Promise<RecordedEvent[]> {
  const store = new PostgresEventStore(bench.server.databaseUrl);
  try {
    const before = await store.head();
    const post = <T>(path: string, body: object): Promise<T> => bench.call<T>('POST', path, body);
    const session = await post<{ id: string }>('/v1/sessions', {
      title: 'Why is the build red?',
      tags: ['ci'],
    });
    const run = await bench.createRun({
      session_id: session.id,
      kind: 'job',
      metadata: { team: 'builds' },
    });
    await bench.call('PATCH', `/v1/runs/${run}`, { status: 'running' });
    const tell = (events: readonly object[]) => post(`/v1/runs/${run}/events`, { events });
    await tell([{ type: 'user', data: { text: 'Find out why the build is red, and mend it.' } }]);
    for (const name of ['read_log', 'edit_file', 'run_tests']) {
      const tool_use_id = `use-${name}`;
      await tell([{ type: 'tool_call.started', data: { tool_use_id, name } }]);
      await post(`/v1/runs/${run}/logs`, { entries: lines(name) });
      await tell([
        { type: 'tool_call.completed', data: { tool_use_id, result: { ok: true, lines: 20 } } },
        { type: 'step_reflection', data: { text: `What ${name} gave leads to the next step.` } },
      ]);
    }
    const usage = { input_tokens: 4_200, output_tokens: 310, cost_usd: 0.02 };
    await tell([{ type: 'message.output.completed', data: { text: 'The build is green again.', usage } }]);
    await post(`/v1/sessions/${session.id}/transcript`, {
      segments: ['user', 'assistant'].map((role) => ({
        role,
        content: { text: 'As told above. '.repeat(20) },
      })),
    });
    await bench.call('PATCH', `/v1/runs/${run}`, { status: 'completed' });
    await bench.catchUp();
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll({ after: before })) events.push(event);
    return events.filter(({ stream }) => stream.includes(session.id) || stream.includes(run));
  } finally {
    await store.close();
  }
}

const lines = (of: string): object[] =>
  Array.from({ length: 20 }, (_, n) => ({
    stream: 'stdout',
    message: `${of}: line ${n} of what it printed`,
  }));

/** Stores copies of a life, each with ids of its own, until there are so many events. @returns how many there are */
export async function storeCopies(
  url: string,
  events: readonly RecordedEvent[],
  atLeast: number,
): Promise<number> {
  const store = new PostgresEventStore(url);
  const template = JSON.stringify(events.map(({ position: _, ...event }) => event));
  const append = async (): Promise<unknown> => {
    const copy = withNewIds(template);
    const streams = [...new Set(copy.map(({ stream }) => stream))];
    const of = (name: string) => copy.filter(({ stream }) => stream === name);
    return Promise.all(streams.map((name) => store.append(name, 'none', of(name))));
  };
  const copies = Math.ceil(atLeast / events.length);
  try {
    for (let stored = 0; stored < copies; stored += inFlight) {
      await Promise.all(Array.from({ length: Math.min(inFlight, copies - stored) }, append));
    }
  } finally {
    await store.close();
  }
  return copies * events.length;
}

function withNewIds(template: string): Omit<RecordedEvent, 'position'>[] {
  const ids = new Map<string, string>();
  const copy = template.replace(madeIds, (id) => {
    const known = ids.get(id) ?? uuidv7();
    ids.set(id, known);
    return known;
  });
  return JSON.parse(copy) as Omit<RecordedEvent, 'position'>[];
}
