import type { Causation } from './causation.js';
import type { Decider } from './decider.js';
import type { EventMetadata, Fact, NewEvent, RecordedEvent } from './event.js';
import { EventStore, type ReadStreamOptions, RevisionConflict } from './event-store.js';
import { Snapshots } from './snapshots.js';
import { StreamTurns } from './stream-turns.js';
import type { Confirmed } from './first-reads.js';
import { type Tip, Tips } from './tips.js';
import { Upcasters } from './upcasting.js';

/** What a command left behind. `events` are its own, whether stored now or by an earlier attempt. */
export interface Outcome<State, F extends Fact = Fact> {
  readonly state: State;
  readonly events: readonly NewEvent<F>[];
  /** Last revision of the stream after the command, -1 when it has no event. */
  readonly revision: number;
  /** Revision of the last of `events`: others may have come behind an earlier attempt's. As `revision` without one. */
  readonly through: number;
  /** Position up to which a read must have come to see the command, or what it found where it had nothing to store. */
  readonly position: bigint | undefined;
}

export interface ExecuteOptions {
  /** The stream's name holds an id that this command has just minted: there is nothing to read. */
  readonly minted?: boolean;
}

const attempts = 20;
/** After so many in a row that came too late, others who append to the stream are asked for a turn. */
const patience = 3;
/** How far the clocks of two servers may be apart, in milliseconds. */
const clockSkew = 3_600_000;

/**
 * Read, fold, decide, append. Keeps the folded state of the streams it met, so that a command
 * on a known stream costs one append and no read; another process's writes show as a conflict,
 * and the command is decided again from the tail. Commands on one stream do not wait for each
 * other's append: each is decided on the state the ones before it will leave, and falls with them.
 */
export class Streams {
  private readonly tips: Tips;

  /**
   * @param turns with the other processes that append to the same streams
   * @param snapshots of the streams' states
   */
  constructor(
    private readonly store: EventStore,
    private readonly turns = new StreamTurns(),
    snapshots = new Snapshots(),
    private readonly upcasters = new Upcasters(),
  ) {
    this.tips = new Tips((stream, options) => this.read(stream, options), snapshots);
  }

  /** The state of a stream as the store has it now. @throws StoreUnavailable */
  load<State, F extends Fact>(decider: Decider<State, F>, stream: string): Promise<Confirmed<State>> {
    return this.tips.confirmed(decider, stream);
  }

  /**
   * The state of a stream, perhaps somewhat old. For facts that never change once they are there,
   * such as who owns a run: a stream that looks empty is read again.
   * @param maxAge how old it may be, in milliseconds, where other processes append too
   */
  async glance<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    maxAge = Infinity,
  ): Promise<State> {
    const known = this.tips.get(stream);
    if (known !== undefined && known.revision >= 0 && Date.now() - known.readAt < maxAge) {
      return known.state as State;
    }
    return (await this.load(decider, stream)).state;
  }

  /** The events of a stream, in the shapes of today. @throws StoreUnavailable */
  async *read(stream: string, options?: ReadStreamOptions): AsyncGenerator<RecordedEvent> {
    for await (const recorded of this.store.readStream(stream, options)) {
      yield this.upcasters.upcast(recorded);
    }
  }

  /** The newest event of a stream for which this holds. @throws StoreUnavailable */
  async findLast(
    stream: string,
    wanted: (event: RecordedEvent) => boolean,
  ): Promise<RecordedEvent | undefined> {
    for await (const event of this.read(stream, { direction: 'backwards' })) {
      if (wanted(event)) return event;
    }
    return undefined;
  }

  /**
   * Carries out a command on one stream. A decision that finds nothing to do, or fails, is only believed on a
   * state that the store confirms. A revision that the client named is a rule like any
   * other: the decision compares it with the state's.
   * @throws RuleViolation from the decision, RevisionConflict, StoreUnavailable
   */
  async execute<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    causation: Causation,
    decide: (state: State, revision: number) => readonly F[],
    { minted = false }: ExecuteOptions = {},
  ): Promise<Outcome<State, F>> {
    if (minted && !causation.recovering) this.tips.assumeEmpty(decider, stream);
    if (causation.recovering) {
      const before = await this.alreadyStored(decider, stream, causation);
      if (before !== undefined) return before;
    }
    for (let conflicts = 0; ;) {
      const turn = this.turns.ofOthers(stream);
      if (turn !== undefined) await turn;
      let tip = this.tips.get(stream);
      let facts = tip && decidedOn(tip.state as State, tip.revision, decide);
      if (facts === undefined || facts.length === 0) {
        const from = await this.tips.confirmed(decider, stream);
        facts = decide(from.state, from.revision);
        if (facts.length === 0) return { ...from, events: [], through: from.revision };
        tip = this.tips.at(decider, stream, from);
      }
      // Another command of this process was faster: it is decided on what that leaves.
      if (tip === undefined) continue;
      const outcome = this.append(decider, stream, tip, causation, facts);
      try {
        return await outcome;
      } catch (error) {
        this.tips.fallBack(stream, tip);
        if (!(error instanceof RevisionConflict) || ++conflicts === attempts) throw error;
        if (conflicts % patience === 0) this.turns.ask(stream, conflicts / patience);
      }
    }
  }

  private async append<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    tip: Tip,
    causation: Causation,
    facts: readonly F[],
  ): Promise<Outcome<State, F>> {
    const expected = tip.revision;
    const events = facts.map((fact, n) => this.envelope(fact, stream, expected + 1 + n, causation));
    let state = tip.state as State;
    for (const event of events) state = decider.evolve(state, event as Fact as F, event);
    const revision = expected + events.length;
    const appended = this.store.append(stream, expected === -1 ? 'none' : expected, events);
    this.tips.move(decider, stream, tip, { state, revision, pending: appended });
    const stored = await appended;
    // A stream that was deleted goes on numbering where it was: the tip must be read again.
    if (stored.revision !== revision) this.tips.forget(stream, tip);
    else if (revision > tip.base.revision) {
      const base = { state, revision, position: stored.position };
      this.tips.stored(decider, stream, tip, base, (events.at(-1) as NewEvent).id);
    }
    return { state, events, revision: stored.revision, through: stored.revision, position: stored.position };
  }

  private envelope(
    { type, data }: Fact,
    stream: string,
    revision: number,
    causation: Causation,
  ): NewEvent & { stream: string; revision: number } {
    const version = this.upcasters.version(type);
    const { correlationId, traceparent } = causation.options;
    const metadata: EventMetadata = {
      $correlationId: correlationId ?? causation.id,
      $causationId: causation.id,
      actor: causation.principal.principalId,
      project: causation.principal.projectId,
      at: causation.at,
      ...(version > 1 && { schemaVersion: version }),
      ...(traceparent !== undefined && { traceparent }),
    };
    return { id: causation.eventId(stream, revision), type, data, metadata, stream, revision };
  }

  /** Looks for the events of an earlier attempt at the same command, newest first. */
  private async alreadyStored<State, F extends Fact>(
    decider: Decider<State, F>,
    stream: string,
    causation: Causation,
  ): Promise<Outcome<State, F> | undefined> {
    const found: RecordedEvent[] = [];
    for await (const event of this.store.readStream(stream, { direction: 'backwards' })) {
      if (event.metadata.$causationId === causation.id) found.unshift(event);
      else if (found.length > 0 || Date.parse(event.metadata.at) < causation.milliseconds - clockSkew) break;
    }
    const last = found.at(-1);
    if (last === undefined) return undefined;
    const { state, revision } = await this.load(decider, stream);
    return {
      state,
      events: found as readonly NewEvent[] as readonly NewEvent<F>[],
      revision,
      through: last.revision,
      position: last.position,
    };
  }
}

/** What is decided; undefined when it cannot be, for whatever an old state makes impossible. */
function decidedOn<State, F extends Fact>(
  state: State,
  revision: number,
  decide: (state: State, revision: number) => readonly F[],
): readonly F[] | undefined {
  try {
    return decide(state, revision);
  } catch {
    return undefined;
  }
}
