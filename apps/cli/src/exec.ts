import { type Command, parseOptions, positiveInteger } from './command.js';
import { UsageError } from './errors.js';
import { record } from './record.js';

export const exec: Command = {
  summary: 'run a command and record it, with its output',
  help: `usage: runledger exec [--session ID] [--task ID] [--source S] [--give-up-after N] -- <command> [args]

  --session ID        session that the run belongs to
  --task ID           task that the run belongs to
  --source S          what started it (default: cli)
  --give-up-after N   seconds that an outage of the server may last (default 300)

Prints "run <id>" on stderr, then the command's own output. The command line and the
folder are recorded, the environment is not. SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed
on to the command. While the server cannot be reached the command goes on until 4 MiB
of output wait to be sent, then it is paused. When an outage is given up, the command goes on
and its further output is not recorded.

The command's output is no terminal, also where that of exec is one. When nobody reads it any more
(| head) the command goes on, and is recorded. A line of more than 1 MiB becomes several; U+0000, and what
is no UTF-8, is recorded as U+FFFD.

With the key of a worker, an operator or an admin, the run is leased: when it is cancelled the command
is sent SIGTERM, and SIGKILL after 10 s; when exec itself is killed or stopped, the run fails as orphaned
once its lease is over, after a minute more than --give-up-after or a third longer, an hour at most. With
the key of a user it would stay running, and hold its session, until runledger cancel ends it.

Exits as the command did: its exit code, 128+n after signal n, 127 when it was not
found, 126 when it cannot be executed. 69: the server could not be reached at the start (the
command was not run), or the record of a command that succeeded is incomplete.
1: the server refused the run (the command was not run), or the record of a command that succeeded.`,
  parse: (args) => {
    const end = args.indexOf('--');
    const { values, positionals } = parseOptions(end === -1 ? args : args.slice(0, end), {
      session: { type: 'string' },
      task: { type: 'string' },
      source: { type: 'string', default: 'cli' },
      'give-up-after': { type: 'string', default: '300' },
    });
    const stray = positionals[0];
    if (stray !== undefined) throw new UsageError(`put -- before the command: runledger exec -- ${stray}`);
    const [command, ...commandArgs] = end === -1 ? [] : args.slice(end + 1);
    if (command === undefined) throw new UsageError('missing argument: -- <command>');
    const giveUpAfter = positiveInteger('--give-up-after', values['give-up-after']) * 1000;
    return (context) =>
      record(context, command, commandArgs, {
        source: values.source,
        giveUpAfter,
        ...(values.session !== undefined && { sessionId: values.session }),
        ...(values.task !== undefined && { taskId: values.task }),
      });
  },
};
