import type { Fact, Json, JsonObject, RecordedEvent } from '#eventsourcing';
import { derivedUuid } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { type Sql, wellFormed } from '#read-models';
import type { RunEventRecorded } from '#runs';
import { runIdOf } from './timeline-event.js';

/** A tool call as its events tell it. */
export interface ToolCall {
  /** Made of the run's id and the tool use's. */
  readonly id: string;
  readonly run_id: string;
  readonly tool_use_id: string;
  readonly name: string | null;
  readonly status: 'started' | 'completed' | 'failed';
  /** What the start gave; else the deltas joined, as JSON when they are that, at most 1 MiB of them. */
  readonly arguments: Json;
  /** First 500 characters of the result, as text. */
  readonly result_preview: string | null;
  readonly error: Json;
  readonly created_at: string;
  readonly updated_at: string;
}

interface Folded extends ToolCall {
  /** Place of its first event in the run. */
  readonly seq: number;
  /** The deltas of the arguments, joined. */
  readonly deltas: string;
}

/** What the data of these events holds by the rules of their types. */
interface ToolData {
  readonly tool_use_id: string;
  readonly name: string;
  readonly arguments?: Json;
  readonly delta: string;
  readonly result?: Json;
  readonly error?: Json;
}

const previewLength = 500;
const argumentsLength = 1024 * 1024;

/** Keeps one row per tool call. */
export class ToolCallFold {
  static readonly tables = `
    CREATE TABLE tool_calls (
      run_id uuid NOT NULL,
      seq bigint NOT NULL,
      id uuid NOT NULL,
      doc json NOT NULL,
      PRIMARY KEY (run_id, seq)
    );
    CREATE UNIQUE INDEX tool_calls_id ON tool_calls (id);`;

  constructor(private readonly sql: Sql) {}

  async apply(events: readonly RecordedEvent[]): Promise<void> {
    const told = events.filter(isToolCall).map((event) => ({ id: callId(event), event }));
    if (told.length === 0) return;
    const ids = [...new Set(told.map(({ id }) => id))];
    const rows = await this.sql.query<{ doc: Folded }>(
      'SELECT doc FROM tool_calls WHERE id = ANY ($1::uuid[])',
      [arrayOf(ids)],
    );
    const calls = new Map(rows.map(({ doc }) => [doc.id, doc]));
    for (const { id, event } of told) calls.set(id, folded(calls.get(id), id, event));
    const changed = [...calls.values()];
    await this.sql.query(
      `INSERT INTO tool_calls (run_id, seq, id, doc)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::json[])
       ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`,
      [
        arrayOf(changed.map(({ run_id }) => run_id)),
        arrayOf(changed.map(({ seq }) => seq)),
        arrayOf(changed.map(({ id }) => id)),
        arrayOf(changed.map((call) => JSON.stringify(call))),
      ],
    );
  }
}

/** What the API shows of a stored tool call. */
export function toolCall(doc: JsonObject): Omit<ToolCall, 'run_id'> {
  const { seq: _seq, deltas, run_id: _run, ...call } = doc as unknown as Folded;
  return deltas === '' || call.arguments !== null ? call : { ...call, arguments: parsed(deltas) };
}

const typeOf = (event: RecordedEvent): string => (event as Fact as RunEventRecorded).data.type;

const dataOf = (event: RecordedEvent): ToolData =>
  (event as Fact as RunEventRecorded).data.data as unknown as ToolData;

const isToolCall = (event: RecordedEvent): boolean =>
  event.type === 'RunEventRecorded' && typeOf(event).startsWith('tool_call.');

const callId = (event: RecordedEvent): string => derivedUuid(event.stream, dataOf(event).tool_use_id);

function folded(known: Folded | undefined, id: string, event: RecordedEvent): Folded {
  const data = dataOf(event);
  const at = event.metadata.at;
  const call: Folded = known ?? {
    id,
    run_id: runIdOf(event.stream) ?? '',
    tool_use_id: data.tool_use_id,
    name: null,
    status: 'started',
    arguments: null,
    result_preview: null,
    error: null,
    created_at: at,
    updated_at: at,
    seq: event.revision + 1,
    deltas: '',
  };
  const touched = { ...call, updated_at: at };
  switch (typeOf(event)) {
    case 'tool_call.started':
      return { ...touched, name: data.name, arguments: data.arguments ?? call.arguments };
    case 'tool_call.arguments.delta':
      return { ...touched, deltas: (call.deltas + data.delta).slice(0, argumentsLength) };
    case 'tool_call.completed':
      return { ...touched, status: 'completed', result_preview: previewOf(data.result) };
    case 'tool_call.failed':
      return { ...touched, status: 'failed', error: data.error ?? null };
    default:
      return call;
  }
}

/** Deltas are pieces of JSON as a rule; until they are whole, and where they never are, they are shown as they came. */
function parsed(deltas: string): Json {
  try {
    return JSON.parse(deltas) as Json;
  } catch {
    return deltas;
  }
}

const previewOf = (result: Json | undefined): string => {
  const text = typeof result === 'string' ? result : JSON.stringify(result ?? null);
  return wellFormed(text.slice(0, previewLength));
};
