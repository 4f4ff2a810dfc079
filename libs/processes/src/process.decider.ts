import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type {
  Ending,
  LiveStatus,
  OutputFigures,
  ProcessBirth,
  ProcessFact,
  ProcessOutputPurged,
  ProcessStatus,
  ProcessTerminationRequested,
} from './process.events.js';

/** A process as its stream tells it, in the words of the API. */
export interface ProcessState extends Omit<ProcessBirth, 'env_sealed'> {
  readonly status: ProcessStatus;
  readonly pid: number | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly reason: string | null;
  /** Known once it has ended. */
  readonly output: OutputFigures | null;
  /** What retention has removed of it; null while all that was kept is there. */
  readonly purged: ProcessOutputPurged['data'] | null;
  /** How it was last asked to end. */
  readonly termination: ProcessTerminationRequested['data'] | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly revision: number;
}

export type ProcessOrNone = ProcessState | undefined;

export const noOutput: OutputFigures = {
  stdout: { bytes: 0, truncated: false },
  stderr: { bytes: 0, truncated: false },
};

export const processDecider: Decider<ProcessOrNone, ProcessFact> = {
  initial: undefined,
  evolve: (process, fact, { metadata: { at } }) => {
    if (fact.type === 'ProcessRequested') return born(fact.data, at);
    if (process === undefined) return undefined;
    const next = { ...process, revision: process.revision + 1 };
    switch (fact.type) {
      case 'ProcessStarted':
        return { ...next, status: 'running', pid: fact.data.pid, started_at: at };
      case 'ProcessTerminationRequested':
        return { ...next, termination: fact.data };
      case 'ProcessEnded': {
        const { status, exit_code = null, signal = null, reason = null, output } = fact.data;
        return { ...next, status, exit_code, signal, reason, output, ended_at: at };
      }
      case 'ProcessOutputPurged':
        return { ...next, purged: fact.data };
    }
  },
  weigh: (process) => (process === undefined ? 0 : 500 + 2 * JSON.stringify(process.args).length),
};

function born({ env_sealed: _sealed, ...birth }: ProcessBirth, at: string): ProcessState {
  return {
    ...birth,
    status: 'starting',
    pid: null,
    exit_code: null,
    signal: null,
    reason: null,
    output: null,
    purged: null,
    termination: null,
    created_at: at,
    started_at: null,
    ended_at: null,
    revision: 1,
  };
}

const live: readonly ProcessStatus[] = ['starting', 'running'];

export const hasEnded = ({ status }: ProcessState): boolean => !live.includes(status);

const transition = (process: ProcessState) => ({
  from: process.status as LiveStatus,
  run_id: process.run_id,
  ...(process.session_id !== undefined && { session_id: process.session_id }),
});

export const requestProcess = (process: ProcessOrNone, birth: ProcessBirth): ProcessFact[] =>
  process === undefined ? [{ type: 'ProcessRequested', data: birth }] : [];

/** Nothing when others have declared it over: whoever started it must kill it. */
export const processStarted = (process: ProcessOrNone, pid: number): ProcessFact[] =>
  process?.status === 'starting' ? [{ type: 'ProcessStarted', data: { ...transition(process), pid } }] : [];

/** Asking again for the same changes nothing; asking for something else is passed on. */
export function requestTermination(
  process: ProcessState,
  asked: ProcessTerminationRequested['data'],
): ProcessFact[] {
  const { termination } = process;
  if (hasEnded(process)) return [];
  if (termination?.signal === asked.signal && termination.grace_seconds <= asked.grace_seconds) return [];
  return [{ type: 'ProcessTerminationRequested', data: asked }];
}

/** Ends once: the first to say how it ended is believed. */
export const endProcess = (process: ProcessOrNone, ending: Ending): ProcessFact[] =>
  process === undefined || hasEnded(process)
    ? []
    : [{ type: 'ProcessEnded', data: { ...transition(process), ...ending } }];

/** Only what has ended loses its output, and once. */
export const purgeOutput = (
  process: ProcessOrNone,
  purged: ProcessOutputPurged['data'],
): ProcessOutputPurged[] =>
  process === undefined || !hasEnded(process) || process.purged !== null
    ? []
    : [{ type: 'ProcessOutputPurged', data: purged }];

/** Bytes that are stored of what a process that has ended wrote: at most a character less for each stream that was cut. */
export function storedBytes({ output, purged, output_limit_bytes: limit }: ProcessState): number {
  if (output === null || purged !== null) return 0;
  const most = limit === 0 ? Infinity : limit;
  return Math.min(output.stdout.bytes, most) + Math.min(output.stderr.bytes, most);
}

/** @throws RuleViolation process_ended */
export function expectAlive(process: ProcessState): void {
  if (hasEnded(process)) throw new RuleViolation('process_ended', `the process is ${process.status}`);
}
