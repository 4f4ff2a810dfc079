import type { JsonObject, RecordedEvent } from './event.js';

/** Turns the data of one version of a shape into that of the next. */
export type UpcastStep = (data: JsonObject) => JsonObject;

/**
 * Old shapes are mapped at the edge, one step each: `steps[type][0]` leads from version 1 to 2,
 * and so on (EventSourcing.NodeJS, `eventsVersioning`). Deciders and projections see the newest only.
 */
export class Upcasters {
  constructor(private readonly steps: Readonly<Record<string, readonly UpcastStep[]>> = {}) {}

  /** Version that a newly written event of this type has. */
  version(type: string): number {
    return (this.steps[type]?.length ?? 0) + 1;
  }

  upcast(event: RecordedEvent): RecordedEvent {
    const steps = this.steps[event.type];
    if (steps === undefined) return event;
    const from = event.metadata.schemaVersion ?? 1;
    if (from > steps.length) return event;
    const data = steps.slice(from - 1).reduce((d, step) => step(d), event.data as JsonObject);
    return { ...event, data, metadata: { ...event.metadata, schemaVersion: steps.length + 1 } };
  }
}
