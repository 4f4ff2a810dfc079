import type { ProcessFact } from '#processes';

/** How many processes of a run, or of all runs of a session, there are by what they do. */
export interface ProcessCounts {
  readonly starting: number;
  readonly running: number;
  readonly ended: number;
}

export const noProcesses: ProcessCounts = { starting: 0, running: 0, ended: 0 };

/** Adds what one event of a process changes: the very same counts when nothing does. */
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
