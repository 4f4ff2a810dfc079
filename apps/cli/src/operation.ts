import { setTimeout as pause } from 'node:timers/promises';
import type { Api } from './api.js';
import type { Output } from './output.js';
import type { Resource } from './table.js';

/** Long work as the API tells of it. */
export interface Operation extends Resource {
  readonly id: string;
  readonly status: string;
  readonly progress: { readonly done: number; readonly total: number };
  readonly error: string | null;
  /** Null until it has ended. */
  readonly ended_at: string | null;
}

const lookEvery = 250;
const barWidth = 30;

/**
 * Waits for the end of work that was asked for, with a bar on a terminal.
 * @param path where it is read
 * @param line what is shown meanwhile, around the bar
 * @throws ProblemAnswer, ServerUnreachable
 */
export async function carriedOut<O extends Operation>(
  api: Api,
  err: Output,
  asked: O,
  path: string,
  line: (operation: O, bar: string) => string,
): Promise<O> {
  let operation = asked;
  const shown = (): string => line(operation, bar(operation.progress)).padEnd(90);
  while (operation.ended_at === null) {
    if (err.terminal) await err.write(`\r${shown()}`);
    await pause(lookEvery);
    operation = await api.call<O>('GET', path);
  }
  if (err.terminal) await err.write(`\r${' '.repeat(shown().length)}\r`);
  return operation;
}

function bar({ done, total }: Operation['progress']): string {
  const share = total === 0 ? 0 : Math.min(1, done / total);
  const filled = '#'.repeat(Math.round(share * barWidth)).padEnd(barWidth, '.');
  return `[${filled}] ${String(Math.floor(share * 100)).padStart(3)} % of ${total}`;
}
