/** An event of a timeline as the API gives it. */
export interface TimelineEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly run_id?: string;
  /** RFC 3339 UTC. */
  readonly created_at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The fields of its data that tell what happened; of other types all of it is told. */
const tellingFields: Readonly<Record<string, readonly string[]>> = {
  'run.created': ['kind', 'source', 'input'],
  'run.started': [],
  'run.completed': ['done_reason', 'output'],
  'run.failed': ['error', 'done_reason'],
  'run.cancelled': ['reason', 'done_reason'],
  'session.created': ['external_id', 'title'],
  'tool_call.started': ['name', 'arguments', 'tool_use_id'],
  'tool_call.completed': ['tool_use_id', 'result'],
  'tool_call.failed': ['tool_use_id', 'error'],
  user: ['text'],
  'message.output.completed': ['text'],
  step_reflection: ['text'],
  action_plan: ['steps'],
  permission: ['operation', 'tool_id', 'tool_input'],
  tool_result: ['operation', 'tool_id', 'tool_input'],
  completion: ['done', 'done_reason'],
};

/** What happened, in short: the essential of an event's data as one text. */
export const essence = ({ type, data }: TimelineEvent): string => {
  const fields = tellingFields[type];
  if (fields === undefined) return Object.keys(data).length === 0 ? '' : JSON.stringify(data);
  return fields.flatMap((field) => shown(field, data[field])).join('  ');
};

/** A piece of text that goes on where the last one of the same text ended; undefined when the event is none. */
export const pieceOf = ({ type, data }: TimelineEvent): string | undefined =>
  type.endsWith('.delta') && typeof data['delta'] === 'string' ? data['delta'] : undefined;

/** What tells apart texts that come in pieces, side by side perhaps. */
export const textOf = ({ type, run_id, data }: TimelineEvent): string =>
  JSON.stringify([type, run_id, data['tool_use_id']]);

const shown = (field: string, value: unknown): string[] => {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [value];
  if (field === 'error') {
    const { code, message } = value as { code?: string; message?: string };
    return [`${code ?? 'error'}: ${message ?? ''}`];
  }
  if (field === 'steps' && Array.isArray(value)) {
    return (value as { title?: string }[]).map(({ title }, n) => `${n + 1}. ${title ?? ''}`);
  }
  return [JSON.stringify(value)];
};
