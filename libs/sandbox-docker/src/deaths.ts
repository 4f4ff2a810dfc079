import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ProcessEnd } from '#processes';

const signals = Object.entries(constants.signals);

/** The engine knows numbers only: 128 and the signal's for who was killed, or for who chose to exit with that. */
function endWith(code: number): ProcessEnd {
  const [signal] = signals.find(([, number]) => number === code - 128) ?? [];
  return signal === undefined ? { exit_code: code } : { signal };
}

/** The ends of a container's processes, from the engine's stream of events. */
export class Deaths {
  readonly #waiting = new Map<string, (end: ProcessEnd) => void>();
  #over = false;

  constructor(events: Readable) {
    events.on('error', () => undefined);
    createInterface({ input: events }).on('line', (line) => {
      const { Actor } = JSON.parse(line) as { Actor: { Attributes: { execID?: string; exitCode?: string } } };
      const { execID = '', exitCode } = Actor.Attributes;
      this.#waiting.get(execID)?.(endWith(Number(exitCode)));
      this.#waiting.delete(execID);
    });
  }

  /** To be asked before the process is started. */
  of(exec: string): Promise<ProcessEnd> {
    if (this.#over) return Promise.resolve({ signal: 'SIGKILL' });
    return new Promise((resolve) => this.#waiting.set(exec, resolve));
  }

  /** The container has ended, and all that was in it. */
  all(): void {
    this.#over = true;
    for (const resolve of this.#waiting.values()) resolve({ signal: 'SIGKILL' });
    this.#waiting.clear();
  }
}
