import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { eventContent, EventStore, type RecordedEvent } from '#eventsourcing';
import {
  digestOf,
  eventHead,
  eventLine,
  exportFiles,
  exportFormat,
  type FileDigest,
  leafOf,
  type Manifest,
  manifestKind,
  purgedLine,
  withheldLine,
} from '#evidence';
import { ProblemError } from '#http';
import { Database } from '#read-models';
import { exportedFrom } from './shown.js';
import { readLeaves, treeAt } from './tree-rows.js';
import { Witness } from './witness.js';

/** The events of all projects, or of one. */
export type ExportScope = 'instance' | { readonly project: string };

/** Makes exports that can be checked without a server. */
@Injectable()
export class Exports {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly witness: Witness,
  ) {}

  /**
   * The lines of an export: those of its events, those of its checkpoints, and its manifest as the last.
   * @param from position at which it may begin
   * @throws ProblemError not_found when nothing has been stored; StoreUnavailable
   */
  async *lines(scope: ExportScope, from: number): AsyncGenerator<string> {
    const last = await this.witness.seal();
    if (last === undefined) throw new ProblemError('not_found', 'There is no event yet.');
    const checkpoints = await this.checkpoints(from, last.size);
    const first = checkpoints[0];
    const skips = first !== undefined && first.position <= from;
    const start = await treeAt(this.database, skips ? first.size : 0);
    const events = new Written();
    const counts = { events: 0, withheld: 0 };
    const after = skips ? BigInt(first.position) : 0n;
    for await (const { line, shown } of this.events(scope, start.size, last.size, after)) {
      counts[shown ? 'events' : 'withheld']++;
      yield events.add(line);
    }
    const marks = new Written();
    for (const { line } of checkpoints) yield marks.add(`${line}\n`);
    yield `${JSON.stringify(
      this.witness.sign<Omit<Manifest, 'key_id' | 'signature'>>(manifestKind, {
        format: exportFormat,
        exported_at: new Date().toISOString(),
        scope: scope === 'instance' ? scope : `project:${scope.project}`,
        start: { size: start.size, peaks: start.peaks.map((peak) => peak.toString('hex')) },
        size: last.size,
        ...counts,
        files: { [exportFiles.events]: events.digest(), [exportFiles.checkpoints]: marks.digest() },
        keys: Object.fromEntries((await this.witness.keys()).map(({ id, public_key }) => [id, public_key])),
      }),
    )}\n`;
  }

  private async *events(
    scope: ExportScope,
    from: number,
    size: number,
    after: bigint,
  ): AsyncGenerator<{ line: string; shown: boolean }> {
    const shown = scope === 'instance' ? () => true : exportedFrom(scope.project);
    const stored = this.store.readAll({ after })[Symbol.asyncIterator]();
    const next = async (): Promise<RecordedEvent | undefined> => {
      const result = await stored.next();
      return result.done === true ? undefined : result.value;
    };
    let event = await next();
    for await (const { n, head, digest, hash, position } of readLeaves(this.database, from, size)) {
      // What was not there when the leaves were made was put there behind the store's back: it is shown as it is.
      for (; event !== undefined && event.position < position; event = await next()) {
        const [own, content] = [eventHead(n, event), eventContent(event)];
        const leaf = leafOf(own, digestOf(content));
        if (shown(event)) yield { line: eventLine(own, content, leaf), shown: true };
      }
      if (event?.position !== position) {
        // Whose it was went with its content.
        const line = scope === 'instance' ? purgedLine(head, digest) : withheldLine(n, hash);
        yield { line, shown: false };
        continue;
      }
      const visible = shown(event);
      const line = visible
        ? eventLine(eventHead(n, event), eventContent(event), hash)
        : withheldLine(n, hash);
      yield { line, shown: visible };
      event = await next();
    }
    await stored.return?.();
  }

  /** From the last one that is not behind the position on; all when there is none such. */
  private async checkpoints(from: number, size: number) {
    const rows = await this.database.query<{ size: string; position: string; line: string }>(
      `SELECT size, position, line FROM audit.checkpoints WHERE size <= $2
       AND size >= coalesce((SELECT max(size) FROM audit.checkpoints WHERE position <= $1), 0) ORDER BY size`,
      [from, size],
    );
    return rows.map((row) => ({ size: Number(row.size), position: Number(row.position), line: row.line }));
  }
}

/** Counts and hashes what a file will hold. */
class Written {
  private readonly hash = createHash('sha256');
  private bytes = 0;

  add(line: string): string {
    this.hash.update(line);
    this.bytes += Buffer.byteLength(line);
    return line;
  }

  digest(): FileDigest {
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }
}
