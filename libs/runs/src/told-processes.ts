import type { ProcessCounts } from '#sessions';
import { runEnds } from './run.decider.js';
import type { RunFact } from './run.events.js';

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
