import { AccessProjection } from '#access';
import { InteractionsProjection, OpenInteractions } from '#interactions';
import { LogProjection } from '#logs';
import { MountsProjection } from '#mounts';
import { ProcessesProjection } from '#processes';
import type { Projection } from '#read-models';
import { RetentionProjection } from '#retention';
import { RunsProjection } from '#runs';
import { SchedulesProjection } from '#schedules';
import { BudgetedSessions, SessionsProjection } from '#sessions';
import { TimelineProjection } from '#timeline';
import { TranscriptProjection } from '#transcripts';
import { WebhookRows } from '#webhooks';

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
