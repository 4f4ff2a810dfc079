import type { Command } from './command.js';
import { UsageError } from './errors.js';
import { explain } from './retention-explain.js';
import { hold, holds, release } from './retention-holds.js';
import { list, remove, set } from './retention-policies.js';
import { apply, preview } from './retention-removals.js';

const verbs = new Map(Object.entries({ list, set, remove, preview, apply, explain, holds, hold, release }));

export const retention: Command = {
  summary: 'what is kept for how long: policies, sweeps, legal holds',
  help: `usage: runledger retention [list] [--limit N] [--json]
       runledger retention set <scope> <kind> [--max-age P30D] [--max-bytes N] [--action A] [--json]
       runledger retention remove <scope> <kind>
       runledger retention preview <scope> <kind> [--max-age P30D] [--max-bytes N] [--action A] [--json]
       runledger retention apply [--json]
       runledger retention explain run|session <id> [--json]
       runledger retention holds [--all] [--limit N] [--json]
       runledger retention hold run|session|user <id> --reason TEXT [--json]
       runledger retention release <hold> [--reason TEXT]

list      shows the policies that hold in your project
set       sets the policy of a scope for a kind, in the place of the one there is (operator)
remove    takes it away: the next wider scope says what is kept (operator)
preview   tells what a sweep would remove by such a policy now, and changes nothing
apply     removes what is due in your project now, and waits for the end; exit code 1 when it fails, or
          when another sweep is under way (operator)
explain   shows which policy applies to each kind, when the oldest expires, and what stands in the way
holds     shows the legal holds that stand
hold      keeps what a run, a session or a user has, whatever a policy says (operator)
release   ends a hold; the record keeps it (operator)

  <scope>          default (all projects), project (yours) or session:<id>; the nearest one wins as a whole
  <kind>           logs, transcripts or process_output
  --max-age AGE    ISO 8601 duration (P90D, P6M, PT12H): what is older goes
  --max-bytes N    of one run or session: the oldest goes until the rest is small enough
  --action A       purge (default), or archive: written into the archive first
  --reason TEXT    why it is held or released
  --all            holds that were released too
  --limit N        at most N (default 100)
  --json           one JSON document per line, as in a pipe

A policy with neither age nor bytes keeps all. Of what is removed, subjects are runs or sessions, and
count is of log lines, segments, or processes that left output.`,
  parse: (args) => {
    const [verb] = args;
    if (verb === undefined || verb.startsWith('-')) return list(args);
    const parse = verbs.get(verb);
    if (parse === undefined) throw new UsageError(`unknown command 'retention ${verb}'`);
    return parse(args.slice(1));
  },
};
