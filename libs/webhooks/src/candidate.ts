import { derivedUuidv7, type RecordedEvent } from '#eventsourcing';
import { numbersInProject, timelineEvent } from '#timeline';
import { disabledError, type NewDelivery } from './outbox.js';
import type { WebhookState } from './webhook.decider.js';

/** An event that a webhook may want. */
export interface Candidate {
  readonly hook: WebhookState;
  readonly event: RecordedEvent;
  /** Type in the timeline. */
  readonly type: string;
  /** Whether the webhook was disabled right after, before anything could be sent. */
  ended: boolean;
}

/** The delivery of an event to a webhook; its id is the same however often it is made. */
export function deliveryOf({ hook, event, type, ended }: Candidate, session?: string): NewDelivery {
  const told = timelineEvent(event, session, numbersInProject(event));
  const body = { ...told, project_id: hook.project_id };
  return {
    id: derivedUuidv7(Date.parse(event.metadata.at), hook.id, event.id),
    webhook_id: hook.id,
    event_id: told?.id ?? event.id,
    event_type: type,
    position: event.position.toString(),
    body: JSON.stringify(body),
    error: ended ? disabledError : null,
  };
}
