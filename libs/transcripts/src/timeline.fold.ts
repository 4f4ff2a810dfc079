import type { Json, RecordedEvent } from '#eventsourcing';
import type { RunEventRecorded } from '#runs';
import type { NewSegment } from './transcript-changes.decider.js';

/** Length of a name or a result in the line of a tool call, in characters. */
const shortened = 200;

/** What the data of the events that are kept hold, each by the rules of its type. */
interface Told {
  readonly text: string;
  readonly tool_use_id: string;
  readonly name: string;
  readonly result: Json;
  readonly error: { readonly code: string; readonly message: string };
}

/** Makes of the events of a run's timeline, oldest first, what a transcript keeps of them. */
export class TimelineFold {
  /** Names of the tools whose calls have not ended yet. */
  private readonly tools = new Map<string, string>();

  /** Undefined for what a transcript does not keep. */
  segment(event: RecordedEvent): NewSegment | undefined {
    if (event.type !== 'RunEventRecorded') return undefined;
    const { type, data } = (event as RecordedEvent<RunEventRecorded>).data;
    const made = (kind: 'message' | 'event', role: string, text: string): NewSegment => ({
      kind,
      role,
      run_id: event.stream.slice('run-'.length),
      metadata: { sequence_number: event.revision + 1 },
      json: JSON.stringify(text),
    });
    const { text, tool_use_id, name, result, error } = data as unknown as Told;
    switch (type) {
      case 'user':
        return made('message', 'user', text);
      case 'message.output.completed':
        return made('message', 'assistant', text);
      case 'tool_call.started':
        this.tools.set(tool_use_id, short(name));
        return undefined;
      case 'tool_call.completed':
        return made('event', 'tool', `${this.ended(tool_use_id)}: ${short(result)}`);
      case 'tool_call.failed':
        return made(
          'event',
          'tool',
          `${this.ended(tool_use_id)} failed: ${short(`${error.code}: ${error.message}`)}`,
        );
      default:
        return undefined;
    }
  }

  /** The tool whose call has ended; the call's id where nothing tells of its start. */
  private ended(id: string): string {
    const name = this.tools.get(id) ?? short(id);
    this.tools.delete(id);
    return name;
  }
}

/** The beginning of a text, or of the JSON of anything else. */
const short = (value: Json): string =>
  Array.from((typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 2 * shortened))
    .slice(0, shortened)
    .join('');
