import { exportAudit } from './audit-export.js';
import { importAudit } from './audit-import.js';
import { asOf, replay } from './audit-past.js';
import { receipt } from './audit-receipt.js';
import { verifyAudit } from './audit-verify.js';
import type { Command } from './command.js';
import { UsageError } from './errors.js';

const verbs = new Map(
  Object.entries({
    export: exportAudit,
    receipt,
    verify: verifyAudit,
    replay,
    'as-of': asOf,
    import: importAudit,
  }),
);

export const audit: Command = {
  summary: 'export, verify, replay and import the history; receipts of events',
  help: `usage: runledger audit export --out DIR [--from-position N] [--instance]
       runledger audit receipt <position> [--out FILE]
       runledger audit verify DIR|FILE [--key ID]... [--json]
       runledger audit replay <stream>
       runledger audit as-of <run or session> <time or number>
       runledger audit import DIR

export    writes events, signed checkpoints and a signed manifest to a new directory (auditor)
  --from-position N  begins with the last checkpoint that is not behind this position
  --instance         the events of all projects, which an import needs (admin of the project default)
receipt   shows that one event was stored, such as the redaction of a text: by whom and when; its position
          stands in the audit of the run or session (auditor)
  --out FILE         writes it to a new file
verify    checks an export, or a receipt, with nothing but its files; names the first event that is not as it
          was stored
  --key ID           trusts this key alone (GET /v1/audit/keys); else those that it brings
  --json             the findings as one JSON document
replay    prints each event of a stream, such as run-<id>, with the state after it
as-of     prints a run or session as it was right after a time, or after an event of its feed
import    fills an empty instance, whose server is not running, from an export of all projects; it reads
          the settings of the server (DATA_DIR, DATABASE_URL, EVENTSTORE_URL), and goes on where an
          earlier import was broken off

Exit codes: verify exits with 1 when what it checks is not as it was made.`,
  parse: ([verb, ...args]) => {
    if (verb === undefined) throw new UsageError(`missing argument: ${[...verbs.keys()].join(', ')}`);
    const parse = verbs.get(verb);
    if (parse === undefined) throw new UsageError(`unknown command 'audit ${verb}'`);
    return parse(args);
  },
};
