import type { ProcessFact } from '#processes';
import { runEnds } from './run.decider.js';
import type { RunFact } from './run.events.js';

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

/**
 * Counts the processes of one run from what its own timeline tells. That knows of none that has not started, and
 * takes nothing more once the run is over, of which its processes end.
 */
export class ToldProcesses {
  private readonly running = new Set<unknown>();
  private ended = 0;

  get counts(): ProcessCounts {
    return { starting: 0, running: this.running.size, ended: this.ended };
  }

  tell(fact: RunFact): void {
    if (runEnds(fact)) {
      this.ended += this.running.size;
      this.running.clear();
    }
    if (fact.type !== 'RunEventRecorded') return;
    const { type, data } = fact.data;
    if (type === 'process.started') this.running.add(data['process_id']);
    if (type !== 'process.exited') return;
    this.running.delete(data['process_id']);
    this.ended += 1;
  }
}
