import { usageKeys } from '#eventsourcing';
import { isObject } from '#http';

/** What is wrong with the data of an event: the field, and why. */
export type DataFault = readonly [field: string, detail: string];
type Check = (data: Record<string, unknown>) => DataFault | undefined;

const text =
  (field: string, required = true): Check =>
  (data) => {
    const value = data[field];
    if (!required && (value === undefined || value === null)) return undefined;
    return typeof value === 'string'
      ? undefined
      : [field, value === undefined ? 'is missing' : 'must be a string'];
  };

const all =
  (...checks: readonly Check[]): Check =>
  (data) => {
    for (const check of checks) {
      const fault = check(data);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

const anything: Check = () => undefined;

const steps: Check = ({ steps: list }) => {
  if (!Array.isArray(list)) return ['steps', 'must be a list of {title, description}'];
  const wrong = list.findIndex(
    (step) =>
      !isObject(step) || text('title')(step) !== undefined || text('description', false)(step) !== undefined,
  );
  return wrong === -1
    ? undefined
    : [`steps/${wrong}`, 'must have a title and may have a description, both strings'];
};

const done: Check = (data) =>
  typeof data['done'] === 'boolean' ? text('done_reason', false)(data) : ['done', 'must be true or false'];

const error: Check = ({ error: value }) =>
  isObject(value) && typeof value['code'] === 'string' && typeof value['message'] === 'string'
    ? undefined
    : ['error', 'must be {code, message}'];

const there =
  (field: string): Check =>
  (data) =>
    data[field] === undefined ? [field, 'is missing'] : undefined;

/** What a model tells of its use goes in as it is: only what is counted must be an amount. */
const usage: Check = ({ usage: value }) => {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) return ['usage', 'must be a JSON object'];
  for (const key of usageKeys) {
    const amount = value[key];
    if (amount === undefined || amount === null) continue;
    const fits =
      key === 'cost_usd'
        ? typeof amount === 'number' && amount >= 0 && amount <= 1e9
        : Number.isSafeInteger(amount) && Number(amount) >= 0;
    if (!fits) return [`usage/${key}`, 'must be an amount, not negative'];
  }
  return undefined;
};

const tool = text('tool_use_id');
const operation = all(text('tool_id'), text('operation', false));

/** What workers may append, and what the data of each must hold; more fields are kept. */
const appendable: ReadonlyMap<string, Check> = new Map([
  ['user', text('text')],
  ['context', anything],
  ['message.output.delta', text('delta')],
  ['message.output.completed', all(text('text'), usage)],
  ['reasoning.summary.delta', text('delta')],
  ['tool_call.started', all(tool, text('name'))],
  ['tool_call.arguments.delta', all(tool, text('delta'))],
  ['tool_call.completed', all(tool, there('result'))],
  ['tool_call.failed', all(tool, error)],
  ['action_plan', steps],
  ['permission', operation],
  ['tool_result', operation],
  ['step_reflection', text('text')],
  ['completion', all(done, usage)],
]);

/** What the service writes itself. */
const written = new Set([
  ...[
    'run.created',
    'run.started',
    'run.requeued',
    'run.updated',
    'run.completed',
    'run.failed',
    'run.cancelled',
  ],
  ...['session.created', 'session.updated', 'session.archived', 'session.unarchived', 'session.forked'],
  ...[
    'session.deleted',
    'process.started',
    'process.exited',
    'interaction.requested',
    'interaction.resolved',
  ],
]);

const own = /^x\.[a-z0-9_.-]{1,100}$/;

/** Whether an event of a timeline can have this type. */
export const isEventType = (type: string): boolean =>
  written.has(type) || appendable.has(type) || own.test(type);

/** Whether only the service itself writes events of this type. */
export const isWrittenByService = (type: string): boolean => written.has(type);

/** What is wrong with the data of an event that a worker appends; its type must be a known one. */
export const dataFault = (type: string, data: Record<string, unknown>): DataFault | undefined =>
  (appendable.get(type) ?? anything)(data);
