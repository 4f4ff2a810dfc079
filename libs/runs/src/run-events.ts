import type { JsonObject } from '#eventsourcing';
import { type Fault, isObject, isUuid, pointerTo, ProblemError } from '#http';
import type { NewRunEvent } from './timeline.decider.js';
import { dataFault, isEventType, isWrittenByService } from './timeline.types.js';

export const mostEvents = 1_000;
const dataBytes = 512 * 1024;
const bytesPerCharacter = 3;
/** More faults than these tell nobody anything new. */
const mostFaults = 100;

/**
 * The events that a body `{events: [{type, data?, id?}]}` brings, checked by the rules of their types.
 * @throws ProblemError unknown_event_type when nothing else is wrong but types; validation_failed with a
 *   row for every fault
 */
export function runEvents(body: unknown): NewRunEvent[] {
  const faults: Fault[] = [];
  const unknown: Fault[] = [];
  const events = checked(body, faults, unknown);
  if (faults.length + unknown.length === 0) return events;
  const errors = [...unknown, ...faults];
  const [{ detail } = { detail: '' }] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const code = unknown.length > 0 ? 'unknown_event_type' : 'validation_failed';
  throw new ProblemError(code, `${detail}${more}.`, { errors });
}

function checked(body: unknown, faults: Fault[], unknown: Fault[]): NewRunEvent[] {
  if (!isObject(body)) {
    faults.push({ pointer: '', detail: 'the body must be a JSON object with events' });
    return [];
  }
  for (const field of Object.keys(body)) {
    if (field !== 'events')
      faults.push({ pointer: pointerTo('', field), detail: `${field} is not known here` });
  }
  const { events } = body;
  if (!Array.isArray(events) || events.length === 0 || events.length > mostEvents) {
    faults.push({ pointer: '/events', detail: `events must be a list of 1 to ${mostEvents}` });
    return [];
  }
  const result: NewRunEvent[] = [];
  for (let n = 0; n < events.length && faults.length + unknown.length < mostFaults; n++) {
    const event = one(events[n], pointerTo('/events', n), faults, unknown);
    if (event !== undefined) result.push(event);
  }
  return result;
}

function one(event: unknown, at: string, faults: Fault[], unknown: Fault[]): NewRunEvent | undefined {
  const fault = (field: string, detail: string): void => {
    faults.push({
      pointer: field === '' ? at : `${at}/${field}`,
      detail: field === '' ? detail : `${field} ${detail}`,
    });
  };
  if (!isObject(event)) {
    fault('', 'an event must be a JSON object');
    return undefined;
  }
  const { type, data = {}, id } = event;
  for (const field of Object.keys(event)) {
    if (field !== 'type' && field !== 'data' && field !== 'id')
      faults.push({ pointer: pointerTo(at, field), detail: `${field} is not known here` });
  }
  if (id !== undefined && id !== null && !isUuid(id)) fault('id', 'must be a lower-case UUID');
  if (typeof type !== 'string') {
    fault('type', type === undefined ? 'is missing' : 'must be a string');
    return undefined;
  }
  if (!isEventType(type))
    unknown.push({ pointer: `${at}/type`, detail: `there is no event type ${type.slice(0, 200)}` });
  else if (isWrittenByService(type))
    unknown.push({ pointer: `${at}/type`, detail: `${type} is written by the service itself` });
  if (!isObject(data)) {
    fault('data', 'must be a JSON object');
    return undefined;
  }
  const wrong = dataFault(type, data);
  if (wrong !== undefined) fault(`data/${wrong[0]}`, wrong[1]);
  const json = JSON.stringify(data);
  if (json.length * bytesPerCharacter > dataBytes && Buffer.byteLength(json) > dataBytes)
    fault('data', `must be at most ${dataBytes} bytes (512 KiB) as JSON`);
  return { type, data: data as JsonObject, ...(typeof id === 'string' && { id }) };
}
