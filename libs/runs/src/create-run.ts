import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { seesAllUsers, workers } from '#access';
import type { Causation, Principal, Role } from '#eventsourcing';
import { referenced, RuleViolation, Streams } from '#eventsourcing';
import { findSession, SessionBudgets, sessionDecider, type SessionState, sessionStream } from '#sessions';
import { findRun } from './find-run.js';
import { RunClaims } from './run-claims.js';
import type { CreateRunBody } from './run.bodies.js';
import type { RunState } from './run.decider.js';
import { createRun } from './run-changes.decider.js';
import { leaseFrom } from './lease.decider.js';
import { runDecider } from './run.decider.js';
import type { RunBirth } from './run.events.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';

export interface CreatedRun {
  readonly run: RunState;
  readonly position: bigint | undefined;
}

export class CreateRun extends Command<CreatedRun> {
  /**
   * @param sessionId the session that the path names; one that the body names stands in the body
   * @param seen position that the caller's consistency token stands for
   * @param id of the run, where it follows from what asks for it; minted when absent
   */
  constructor(
    readonly body: CreateRunBody,
    readonly causation: Causation,
    readonly sessionId?: string,
    readonly seen?: bigint,
    readonly id?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, unknown_reference, forbidden, session_busy, session_paused, session_deleted, run_terminal */
@CommandHandler(CreateRun)
export class CreateRunHandler implements ICommandHandler<CreateRun> {
  constructor(
    private readonly streams: Streams,
    private readonly claims: RunClaims,
    private readonly budgets: SessionBudgets,
    private readonly writes: RunWrites,
  ) {}

  async execute({ body, causation, sessionId, seen, id = causation.mint() }: CreateRun): Promise<CreatedRun> {
    const { principal } = causation;
    expectStartable(body, principal);
    const found = await this.session(principal, sessionId, body.session_id ?? undefined);
    const parent = body.parent_run_id == null ? undefined : await this.parent(principal, body.parent_run_id);
    const session = found?.id;
    const asked = born(id, body, found, parent, causation);
    if (session !== undefined && !(await this.isMade(id, session, causation))) {
      await this.budgets.expectNotPaused(session, seen);
    }
    const claims = session !== undefined && parent === undefined;
    const birth = claims ? await this.claims.claim(session, body.on_active_run, asked, causation) : asked;
    const stream = runStream(birth.run_id);
    const made = await this.streams.execute(runDecider, stream, causation, (run) => createRun(run, birth), {
      minted: true,
    });
    const { position } = made;
    const run = made.state as RunState;
    this.writes.wrote(run, position);
    return { run, position };
  }

  /** Whether an earlier attempt at the same command has made the run, or has claimed the session for it. */
  private async isMade(runId: string, session: string, { recovering }: Causation): Promise<boolean> {
    if (!recovering) return false;
    const { state } = await this.streams.load(sessionDecider, sessionStream(session));
    if (state?.holders.includes(runId) === true) return true;
    return (await this.streams.load(runDecider, runStream(runId))).state !== undefined;
  }

  private async session(
    principal: Principal,
    inPath: string | undefined,
    inBody: string | undefined,
  ): Promise<SessionState | undefined> {
    if (inPath !== undefined) return findSession(this.streams, principal, inPath);
    return inBody === undefined
      ? undefined
      : referenced(findSession(this.streams, principal, inBody), '/session_id');
  }

  private async parent(principal: Principal, id: string): Promise<RunState> {
    const known = await referenced(findRun(this.streams, principal, id), '/parent_run_id');
    const { state = known } = await this.streams.load(runDecider, runStream(id));
    if (state.status !== 'cancelled') return state;
    throw new RuleViolation('run_terminal', `the parent run ${id} was cancelled`);
  }
}

/** What a worker makes belongs to whom it works for, unless the body names another user. */
function born(
  run_id: string,
  body: CreateRunBody,
  session: SessionState | undefined,
  parent: RunState | undefined,
  causation: Causation,
): RunBirth {
  const { principal } = causation;
  const user_id = body.user_id ?? session?.user_id ?? parent?.user_id ?? principal.userId;
  if (user_id !== principal.userId && !seesAllUsers(principal)) {
    throw new RuleViolation('forbidden', 'only a worker or an operator may name another user');
  }
  return {
    run_id,
    project_id: principal.projectId,
    user_id,
    task_id: body.task_id ?? parent?.task_id ?? causation.mint(),
    ...(body.job_id != null && { job_id: body.job_id }),
    ...(session !== undefined && { session_id: session.id }),
    ...(parent !== undefined && { parent_run_id: parent.id }),
    root_run_id: parent?.root_run_id ?? run_id,
    kind: body.kind ?? (session === undefined ? 'job' : 'turn'),
    ...(body.source != null && { source: body.source }),
    ...(body.input != null && { input: body.input }),
    metadata: body.metadata ?? {},
    max_attempts: body.max_attempts,
    ...(body.status === 'running' && { started: startedBy(body, causation) }),
  };
}

function startedBy({ lease }: CreateRunBody, causation: Causation): NonNullable<RunBirth['started']> {
  if (lease == null) return {};
  const { worker_id, lease_seconds: seconds } = lease;
  return {
    lease: leaseFrom(causation.milliseconds, { lease_id: causation.mint(), worker_id, seconds }),
  };
}

/** @throws RuleViolation forbidden, to one who could not prolong the lease; validation_failed, for what cannot be together */
function expectStartable({ status, lease, on_active_run }: CreateRunBody, { role }: Principal): void {
  if (lease != null && !(workers as readonly Role[]).includes(role)) {
    throw new RuleViolation('forbidden', 'only a worker or an operator may take a lease');
  }
  if (lease != null && status !== 'running') {
    throw unfit('/lease', 'lease is of a run that is created with the status running');
  }
  if (status === 'running' && on_active_run === 'enqueue') {
    throw unfit(
      '/status',
      'status must be pending for a run that may have to wait: on_active_run is enqueue',
    );
  }
}

/** Of a field that does not go with what else was asked for. */
export const unfit = (pointer: string, detail: string): RuleViolation =>
  new RuleViolation('validation_failed', detail, { pointer });
