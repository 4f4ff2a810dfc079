import { AccessProjection } from '#access/projections';
import { InteractionsProjection, OpenInteractions } from '#interactions/projections';
import { LogProjection } from '#logs/projections';
import { MountsProjection } from '#mounts/projections';
import { ProcessesProjection } from '#processes/projections';
import type { Projection } from '#read-models';
import { RetentionProjection } from '#retention/projections';
import { RunsProjection } from '#runs/projections';
import { SchedulesProjection } from '#schedules/projections';
import { BudgetedSessions, SessionsProjection } from '#sessions/projections';
import { TimelineProjection } from '#timeline/projections';
import { TranscriptProjection } from '#transcripts/projections';
import { WebhookRows } from '#webhooks/projections';

/** The projections that fold events into tables. */
export const readModels = (): Projection[] => [
  new AccessProjection(),
  new SessionsProjection(),
  new RunsProjection(),
  new LogProjection(),
  new TimelineProjection(),
  new TranscriptProjection(),
  new RetentionProjection(),
  new ProcessesProjection(),
  new InteractionsProjection(),
  new SchedulesProjection(),
  new MountsProjection(),
];

/** All that can be built anew: the read models, and the tables of policies. */
export const rebuildable = (): Projection[] => [
  ...readModels(),
  new OpenInteractions(),
  new BudgetedSessions(),
  new WebhookRows(),
];
