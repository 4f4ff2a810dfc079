import { type EventName, type EvidenceLine, nameIn, readLine } from './evidence-line.js';
import type { Checkpoint } from './export-files.js';
import { eventAt, type Finding } from './finding.js';
import type { MerkleTree } from './merkle.js';

/** A line that is not the one that belongs there; what comes behind it tells what has happened. */
interface Doubt {
  readonly wanted: number;
  readonly line: number;
  readonly found: EvidenceLine | undefined;
  readonly head: EventName | undefined;
  /** The line behind it is the one that belongs here. */
  wantedIsNext?: boolean;
  wantedIsLater?: boolean;
  foundAgain?: boolean;
}

/** Compares the lines of an export with their own hashes, with their order, and with the signed roots. */
export class EventsCheck {
  events = 0;
  withheld = 0;
  private lines = 0;
  private doubt: Doubt | undefined;
  private broken: Finding | undefined;
  private nextCheckpoint = 0;
  /** Up to which event the signed roots hold. */
  sealed: number;
  private readonly revisions = new Map<string, number>();
  /** Streams of which an event has been there. */
  private readonly shown = new Set<string>();

  /**
   * @param tree as it was in front of the first line
   * @param checkpoints those with a good signature, by size
   */
  constructor(
    private readonly tree: MerkleTree,
    private readonly checkpoints: readonly Checkpoint[],
  ) {
    this.sealed = tree.size;
    this.compareRoot();
  }

  take(bytes: Buffer): void {
    this.lines++;
    const line = readLine(bytes);
    if (this.doubt !== undefined) this.learn(this.doubt, line);
    else if (line?.n === this.tree.size) this.accept(line);
    else {
      const head = line === undefined ? nameIn(bytes) : line.event;
      this.doubt = { wanted: this.tree.size, line: this.lines, found: line, head };
    }
  }

  /** What is wrong first; undefined when all is as it was. @param size of the tree at the end */
  end(size: number): Finding | undefined {
    if (this.doubt !== undefined) {
      const finding = judged(this.doubt, size);
      return this.broken !== undefined && this.broken.n !== undefined && this.broken.n < this.doubt.wanted
        ? this.broken
        : finding;
    }
    if (this.broken !== undefined) return this.broken;
    if (this.tree.size < size)
      return { what: 'removed', where: `event ${this.tree.size}, at the end`, n: this.tree.size };
    if (this.tree.size > size)
      return { what: 'inserted', where: eventAt(size, this.lines, undefined), n: size };
    return undefined;
  }

  private accept(line: EvidenceLine): void {
    const { event, purged } = line;
    if (event === undefined || purged === true) this.withheld++;
    else this.events++;
    if (event !== undefined) this.broken ??= this.outOfStream(event, purged === true);
    this.tree.add(line.leaf);
    this.compareRoot();
  }

  /**
   * Retention takes a stream's oldest events alone: behind one that is there none is missing. What it took
   * before that came into the tree has left no leaf, so that among those that are gone there may be gaps.
   */
  private outOfStream(event: EventName, purged: boolean): Finding | undefined {
    const { n, stream, revision } = event;
    const before = this.revisions.get(stream);
    this.revisions.set(stream, revision);
    const place = eventAt(n, this.lines, event);
    const begun = this.shown.has(stream);
    if (purged && begun) return { what: 'removed', where: place, n };
    if (!purged) this.shown.add(stream);
    if (before === undefined || revision === before + 1) return undefined;
    if (revision <= before) return { what: 'reordered', where: place, n };
    if (!begun) return undefined;
    return { what: 'removed', where: `${stream} revision ${before + 1}, before ${place}`, n };
  }

  private compareRoot(): void {
    const { size } = this.tree;
    for (;;) {
      const checkpoint = this.checkpoints[this.nextCheckpoint];
      if (checkpoint === undefined || checkpoint.size > size) return;
      this.nextCheckpoint++;
      if (checkpoint.size < size) continue;
      if (this.tree.root().toString('hex') === checkpoint.root) this.sealed = size;
      else this.forged(checkpoint);
    }
  }

  /** What lines say of themselves is worth nothing where the root is another. */
  private forged({ at, size }: Checkpoint): void {
    const from = this.sealed;
    if (this.broken?.n !== undefined && this.broken.n <= from) return;
    const where = `an event from ${from} to ${size - 1}: together they are not what was signed at ${at}`;
    this.broken = { what: 'altered', where, n: from };
  }

  private learn(doubt: Doubt, line: EvidenceLine | undefined): void {
    if (line === undefined) return;
    if (line.n === doubt.wanted) {
      doubt.wantedIsLater = true;
      doubt.wantedIsNext ??= this.lines === doubt.line + 1;
    } else if (line.n === doubt.found?.n) doubt.foundAgain = true;
  }
}

function judged({ wanted, line, found, head, ...seen }: Doubt, size: number): Finding {
  const n = Math.min(found?.n ?? wanted, wanted);
  const inserted: Finding = { what: 'inserted', where: eventAt(found?.n ?? wanted, line, head), n };
  if (found === undefined) {
    return seen.wantedIsNext === true || wanted >= size
      ? inserted
      : { what: 'altered', where: eventAt(wanted, line, head), n: wanted };
  }
  if (found.n < wanted || found.n >= size) return inserted;
  if (seen.wantedIsLater !== true) {
    return { what: 'removed', where: `event ${wanted}, before ${eventAt(found.n, line, head)}`, n: wanted };
  }
  if (seen.foundAgain === true) return inserted;
  return { what: 'reordered', where: eventAt(found.n, line, head), n: wanted };
}
