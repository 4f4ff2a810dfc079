import type { Page } from './api.js';
import { type Command, type Context, parseOptions, positionals, positiveInteger } from './command.js';
import { exitCode } from './errors.js';
import { follow } from './follow.js';
import { interruptible } from './interruptible.js';

interface Entry {
  readonly seq: number;
  readonly message: string;
}

const pageSize = 1000;

export const logs: Command = {
  summary: 'print the log of a run',
  help: `usage: runledger logs <run> [--follow] [--tail N] [--stream S] [--json]

  --follow     go on until the run has ended
  --tail N     start with the last N lines
  --stream S   only stdout, stderr or event
  --json       whole entries, one JSON document per line

When the server goes away, --follow waits for it and goes on where it was: no line is lost or shown twice.
It exits with 130 after Ctrl-C.`,
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
      if (values.follow) return interruptible((signal) => reader.follow(tail, signal));
      await (tail === undefined ? reader.printRest() : reader.printPage({ tail }));
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

  async printRest(): Promise<void> {
    while ((await this.printPage({ after_seq: this.lastSeq, limit: pageSize })) === pageSize);
  }

  /** Prints what was written, or the last lines of it, and what is being written, until the run has ended. Answers the exit code. */
  async follow(tail: number | undefined, signal: AbortSignal): Promise<number> {
    const options = { query: { stream: this.stream, tail }, after: 0, signal };
    for await (const { type, data } of follow(this.context, `${this.run}/logs`, options)) {
      if (type === 'log') await this.print([JSON.parse(data) as Entry]);
    }
    return exitCode.ok;
  }

  async printPage(query: Record<string, number>): Promise<number> {
    const { data } = await this.context.api.call<Page<Entry>>('GET', `${this.run}/logs`, {
      query: { ...query, stream: this.stream },
    });
    await this.print(data);
    this.lastSeq = data.at(-1)?.seq ?? this.lastSeq;
    return data.length;
  }

  private async print(entries: readonly Entry[]): Promise<void> {
    const lines = entries.map((entry) => `${this.json ? JSON.stringify(entry) : entry.message}\n`);
    if (lines.length > 0) await this.context.out.write(lines.join(''));
  }
}
