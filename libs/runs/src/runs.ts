import { Injectable } from '@nestjs/common';
import { seesAllUsers, visible } from '#access';
import type { Fact, Principal } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import type { AsOf } from '#http';
import { bytesOf, Database, firstBytesOf, RecentWrites } from '#read-models';
import { findRun } from './find-run.js';
import { ToldProcesses } from './told-processes.js';
import type { Run, RunState } from './run.decider.js';
import { foldRun } from './run.decider.js';
import type { RunFact } from './run.events.js';
import { runStream } from './run.events.js';
import { runResource, type RunResource, type RunRow, type RunTree } from './run.resource.js';

/** Most runs of a tree that one answer shows; fewer, where they are large. */
const treeSize = 1_000;

/** Reads single runs, and the runs below one. */
@Injectable()
export class Runs {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  /** @throws RuleViolation not_found */
  async get(principal: Principal, id: string): Promise<RunResource> {
    await this.writes.settled('runs', id);
    const row = await this.row(id);
    // A run that the read model does not know yet may be there all the same.
    const run = row ?? (await findRun(this.streams, principal, id));
    if (!visible(principal, run)) throw new RuleViolation('not_found', `there is no run ${id}`);
    return runResource(run);
  }

  /** The run as it was at a moment, folded from its events. @throws RuleViolation not_found, also when it was not yet there */
  async past(principal: Principal, id: string, had: AsOf): Promise<RunResource> {
    await findRun(this.streams, principal, id);
    let run: Run;
    const processes = new ToldProcesses();
    for await (const event of this.streams.read(runStream(id))) {
      if (!had(event.revision + 1, event.metadata.at)) break;
      const fact = event as Fact as RunFact;
      run = foldRun(run, fact, event);
      processes.tell(fact);
    }
    if (run === undefined) throw new RuleViolation('not_found', `run ${id} was not yet there`);
    return runResource({ ...run, process_counts: processes.counts });
  }

  /** A run that a command has just changed, with what the read model knows of its processes. */
  async withCounts(run: RunState): Promise<RunRow> {
    const process_counts = run.revision === 1 ? undefined : (await this.row(run.id))?.process_counts;
    return process_counts === undefined ? run : { process_counts, ...run };
  }

  /** The run and all below it, depth first, oldest first on each level, as far as one answer goes. @throws RuleViolation not_found */
  async tree(principal: Principal, id: string): Promise<RunTree> {
    await this.get(principal, id);
    const rows = await this.database.prepared<{ doc: RunRow; depth: number; page_found: number }>(
      'run-tree',
      `WITH RECURSIVE tree AS (
         SELECT id, 0 AS depth, ARRAY[id] AS path FROM runs.runs WHERE id = $1
         UNION ALL
         SELECT r.id, t.depth + 1, t.path || r.id FROM tree t JOIN runs.runs r ON r.parent_run_id = t.id
         WHERE r.project_id = $2 AND (r.user_id = $3 OR $4)
       )
       ${firstBytesOf(
         `SELECT r.doc, t.depth, t.path AS page_key, ${bytesOf('r.doc')} AS page_bytes
          FROM (SELECT * FROM tree ORDER BY path LIMIT ${treeSize + 1}) t JOIN runs.runs r ON r.id = t.id`,
         'asc',
       )}`,
      [id, principal.projectId, principal.userId, seesAllUsers(principal)],
    );
    const data = rows.slice(0, treeSize).map(({ doc, depth }) => Object.assign(runResource(doc), { depth }));
    return { data, ...(Number(rows[0]?.page_found) > data.length && { truncated: true }) };
  }

  private async row(id: string): Promise<RunRow | undefined> {
    const [row] = await this.database.prepared<{ doc: RunRow }>(
      'run',
      'SELECT doc FROM runs.runs WHERE id = $1',
      [id],
    );
    return row?.doc;
  }
}
