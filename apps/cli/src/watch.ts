import {
  type Action,
  type Command,
  type Context,
  parseOptions,
  positionals,
  wholeNumber,
} from './command.js';
import { exitCode, UsageError } from './errors.js';
import { follow } from './follow.js';
import { interruptible } from './interruptible.js';
import { withRetries } from './retry.js';
import type { TimelineEvent } from './timeline-event.js';
import { TimelinePrinter } from './timeline-printer.js';
import { visible } from './visible.js';

interface Watched {
  readonly kind: 'run' | 'session';
  /** Path of the resource. */
  readonly path: string;
  readonly query: { readonly types: string | undefined; readonly exclude: string | undefined };
  readonly after: number;
  readonly json: boolean;
}

export const watch: Command = {
  summary: 'show what happens in a run or a session, as it happens',
  help: `usage: runledger watch run <id> [--after N] [--types T,...] [--exclude T,...] [--json]
       runledger watch session <id> [--after N] [--types T,...] [--exclude T,...] [--json]

  --after N           only events behind this sequence number (default 0: all)
  --types T,...       only events of these types (a comma list)
  --exclude T,...     no events of these types
  --json              whole events, one JSON document per line, as in a pipe

Begins with what has happened already. On a terminal one event is one line (time, sequence number,
for a session the end of the run's id, type, the essential), long data end in "…"; text that comes
in pieces is shown as it grows. NO_COLOR turns the colours off. When the server goes away, watch waits
for it and goes on where it was: no event is lost or shown twice.

Ends with a run: 0 when it completed, 1 when it failed or was cancelled. A session ends when it is
deleted: 0. 1 also when it cannot be watched: unknown id, wrong key, a session deleted while the server
was away. 69 when there is no server at the start, 130 after Ctrl-C.`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, {
      after: { type: 'string', default: '0' },
      types: { type: 'string' },
      exclude: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const [kind, id] = positionals(rest, 'run|session', 'id');
    if (kind !== 'run' && kind !== 'session') {
      throw new UsageError(`watch what? 'run' or 'session', not '${kind}'`);
    }
    const { types, exclude, json } = values;
    const path = `/v1/${kind}s/${encodeURIComponent(id)}`;
    const after = wholeNumber('--after', values.after, 0);
    return interruptibly({ kind, path, query: { types, exclude }, after, json });
  },
};

const interruptibly =
  (watched: Watched): Action =>
  (context) =>
    interruptible(async (signal) => {
      await show(context, watched, signal);
      return watched.kind === 'session' ? exitCode.ok : ending(context, watched.path, signal);
    });

const show = async (context: Context, watched: Watched, signal: AbortSignal): Promise<void> => {
  const { out } = context;
  const printer = new TimelinePrinter(out, watched.kind === 'session');
  const endLine = () => printer.endLine();
  const { query, after } = watched;
  const events = follow(context, `${watched.path}/events`, { query, after, signal, beforeNotice: endLine });
  try {
    for await (const { type, data } of events) {
      // What they say is no event: what is watched, and how far it has been looked at.
      if (type === 'snapshot' || type === 'bookmark') continue;
      if (!out.terminal) await out.write(`${data}\n`);
      else if (watched.json) await out.write(`${visible(data)}\n`);
      else await printer.print(JSON.parse(data) as TimelineEvent);
    }
  } finally {
    await endLine();
  }
};

/** How the run has ended, asked for because the events that tell it may not have been wanted. */
const ending = async ({ api }: Context, path: string, signal: AbortSignal): Promise<number> => {
  const { status } = await withRetries(() => api.call<{ status: string }>('GET', path, { signal }), {
    giveUpAfter: Infinity,
    signal,
  });
  return status === 'completed' ? exitCode.ok : exitCode.notCompleted;
};
