import { noUsage, reportedUsage, summedUsage } from '#eventsourcing';
import type { RunState } from './run.decider.js';
import type { RunEventRecorded } from './run.events.js';

/** What an event of the timeline changes in what is shown of its run: the very same run when nothing does. */
export function told(run: RunState, { data: { type, data } }: RunEventRecorded): RunState {
  const reported = reportedUsage(type, data);
  const answers = type === 'message.output.completed';
  if (!answers && reported === undefined) return run;
  const { usage: _usage, ...output } = data;
  return {
    ...run,
    ...(answers && { output }),
    ...(reported !== undefined && { usage: summedUsage(run.usage ?? noUsage, reported) }),
  };
}
