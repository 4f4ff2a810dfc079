import type { ProcessFact } from '#processes';
import type { RunEventRecorded } from './run.events.js';

/** How many processes of a run there are by what they do. */
export interface ProcessCounts {
  readonly starting: number;
  readonly running: number;
  readonly ended: number;
}

export const noProcesses: ProcessCounts = { starting: 0, running: 0, ended: 0 };

/** Adds what one event of a process changes. */
export function countedProcess(counts: ProcessCounts, fact: ProcessFact): ProcessCounts {
  switch (fact.type) {
    case 'ProcessRequested':
      return { ...counts, starting: counts.starting + 1 };
    case 'ProcessStarted':
      return { ...counts, starting: counts.starting - 1, running: counts.running + 1 };
    case 'ProcessEnded': {
      const { from } = fact.data;
      return { ...counts, [from]: counts[from] - 1, ended: counts.ended + 1 };
    }
    default:
      return counts;
  }
}

/** The same from what the run's own timeline tells, which knows of no process that has not started. */
export function toldProcess(counts: ProcessCounts, { data }: RunEventRecorded): ProcessCounts {
  if (data.type === 'process.started') return { ...counts, running: counts.running + 1 };
  if (data.type !== 'process.exited') return counts;
  return { ...counts, running: Math.max(0, counts.running - 1), ended: counts.ended + 1 };
}
