import type { Fact, RecordedEvent } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { timelineStreams } from '#timeline/projections';
import { webhookDecider, type WebhookState } from './webhook.decider.js';
import { type WebhookFact, webhookStreams } from './webhook.events.js';

export const webhooksProjection = 'webhooks';

/** Webhooks by id. */
export type Hooks = Map<string, WebhookState>;

/** A row for each webhook. */
export class WebhookRows extends Projection {
  readonly name = webhooksProjection;
  readonly version = 1;
  /** Those of timelines are for the deliveries. */
  readonly prefixes = [...timelineStreams, webhookStreams];

  readonly tables = `
    CREATE TABLE webhooks (
      id uuid PRIMARY KEY,
      project_id text COLLATE "C" NOT NULL,
      doc json NOT NULL
    );
    CREATE INDEX webhooks_project ON webhooks (project_id, id);`;

  readonly indexes = '';

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const told = events.filter(({ stream }) => stream.startsWith(webhookStreams));
    if (told.length === 0) return;
    const before = await this.stored(sql, told);
    const hooks = new Map(before);
    for (const event of told) foldInto(hooks, event);
    await this.store(sql, before, hooks);
  }

  /** The webhooks of the projects that events tell of. */
  protected async stored(sql: Sql, events: readonly RecordedEvent[]): Promise<Hooks> {
    const projects = new Set(events.map(({ metadata }) => metadata.project));
    const rows = await sql.query<{ doc: WebhookState }>(
      'SELECT doc FROM webhooks WHERE project_id = ANY ($1::text[])',
      [[...projects]],
    );
    return new Map(rows.map(({ doc }) => [doc.id, doc]));
  }

  protected async store(sql: Sql, before: Hooks, after: Hooks): Promise<void> {
    const gone = [...before.keys()].filter((id) => !after.has(id));
    if (gone.length > 0) await sql.query('DELETE FROM webhooks WHERE id = ANY ($1::uuid[])', [gone]);
    const changed = [...after.values()].filter((hook) => before.get(hook.id) !== hook);
    if (changed.length === 0) return;
    await sql.query(
      `INSERT INTO webhooks SELECT * FROM unnest($1::uuid[], $2::text[], $3::json[])
       ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`,
      [
        changed.map(({ id }) => id),
        changed.map(({ project_id }) => project_id),
        changed.map((hook) => JSON.stringify(hook)),
      ],
    );
  }
}

/** @returns the id of the webhook that the event tells of */
export function foldInto(hooks: Hooks, event: RecordedEvent): string {
  const id = event.stream.slice(webhookStreams.length);
  const hook = webhookDecider.evolve(hooks.get(id), event as Fact as WebhookFact, event);
  if (hook === undefined) hooks.delete(id);
  else hooks.set(id, hook);
  return id;
}
