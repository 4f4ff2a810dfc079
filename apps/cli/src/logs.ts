import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from './api.js';
import { type Command, type Context, parseOptions, positionals, positiveInteger } from './command.js';
import { exitCode } from './errors.js';

interface Entry {
  readonly seq: number;
  readonly message: string;
}

const pageSize = 1000;
const pollMilliseconds = 300;
/** The log may be shown a moment after the run's end is: only a later empty answer says that it is complete. */
const settleMilliseconds = 1_000;
const terminal = new Set(['completed', 'failed', 'cancelled']);

export const logs: Command = {
  summary: 'print the log of a run',
  help: `usage: runledger logs <run> [--follow] [--tail N] [--stream S] [--json]

  --follow     go on until the run has ended
  --tail N     start with the last N lines
  --stream S   only stdout, stderr or event
  --json       whole entries, one JSON document per line`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, {
      follow: { type: 'boolean', default: false },
      tail: { type: 'string' },
      stream: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const [id] = positionals(rest, 'run');
    const tail = values.tail === undefined ? undefined : positiveInteger('--tail', values.tail);
    return async (context) => {
      const run = `/v1/runs/${encodeURIComponent(id)}`;
      const reader = new LogReader(context, run, values.stream, values.json);
      if (tail !== undefined) await reader.printTail(tail);
      if (values.follow) await reader.follow();
      else if (tail === undefined) await reader.printRest();
      return exitCode.ok;
    };
  },
};

class LogReader {
  private lastSeq = 0;

  constructor(
    private readonly context: Context,
    private readonly run: string,
    private readonly stream: string | undefined,
    private readonly json: boolean,
  ) {}

  async printTail(tail: number): Promise<void> {
    await this.printPage({ tail });
  }

  /** Prints everything not printed yet; answers how many lines that was. */
  async printRest(): Promise<number> {
    for (let printed = 0; ;) {
      const count = await this.printPage({ after_seq: this.lastSeq, limit: pageSize });
      printed += count;
      if (count < pageSize) return printed;
    }
  }

  async follow(): Promise<void> {
    for (let ended = Infinity; ;) {
      const asked = performance.now();
      const printed = await this.printRest();
      if (printed === 0 && asked > ended + settleMilliseconds) return;
      if (ended === Infinity) {
        const { status } = await this.context.api.call<{ status: string }>('GET', this.run);
        if (terminal.has(status)) ended = performance.now();
      }
      await delay(pollMilliseconds);
    }
  }

  private async printPage(query: Record<string, number>): Promise<number> {
    const { api, out } = this.context;
    const { data } = await api.call<Page<Entry>>('GET', `${this.run}/logs`, {
      query: { ...query, stream: this.stream },
    });
    const lines = data.map((entry) => `${this.json ? JSON.stringify(entry) : entry.message}\n`);
    if (lines.length > 0) await out.write(lines.join(''));
    this.lastSeq = data.at(-1)?.seq ?? this.lastSeq;
    return data.length;
  }
}
