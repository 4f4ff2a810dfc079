import fc from 'fast-check';
import { type Fact, fold, type RecordedEvent, type Usage } from '#eventsourcing';
import {
  appendEvents,
  cancelRun,
  changeRun,
  claimRun,
  expireLease,
  extendLease,
  leaseFrom,
  type NewRunEvent,
  runDecider,
  type RunFact,
  runStatuses,
  type RunState,
} from '#runs';
import {
  changeAlias,
  changeSession,
  claimSession,
  deleteSession,
  resumeSession,
  sessionDecider,
  type SessionFact,
  type SessionState,
  weighBudget,
} from '#sessions';

const user = '01990000-0000-8000-8000-00000000000a';
const start = Date.UTC(2026, 0, 1);
const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const words = fc.constantFrom('red', 'blue', 'Zoë', '\ud800', '\ud801', 'x');
const metadata = fc.dictionary(words, fc.constantFrom('a', 'b', 3, true, null, '\udc00'), { maxKeys: 3 });
const usage = fc.record({
  input_tokens: fc.maxSafeNat(),
  output_tokens: fc.nat(),
  cache_read_tokens: fc.nat(),
  cache_creation_tokens: fc.nat(),
  cost_usd: fc.double({ min: 0, max: 1e9, noNaN: true }),
});
const command = fc.record({
  run: fc.nat({ max: 11 }),
  verb: fc.constantFrom(
    ...(['status', 'metadata', 'usage', 'cancel', 'claim', 'heartbeat', 'expire', 'tell', 'tool'] as const),
    ...(['title', 'tags', 'alias', 'delete', 'hold', 'budget', 'weigh', 'resume'] as const),
  ),
  status: fc.constantFrom(...runStatuses),
  tags: fc.array(words, { maxLength: 3 }),
  word: words,
  metadata,
  usage,
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** What random commands leave behind of four sessions with up to three runs each, in the order of the store. */
export const histories: fc.Arbitrary<RecordedEvent[]> = fc
  .array(command, { maxLength: 60 })
  .map((commands) => {
    const events: RecordedEvent[] = [];
    const of = (stream: string) => events.filter((event) => event.stream === stream);
    const store = (stream: string, facts: readonly Fact[]): void => {
      for (const fact of facts) {
        const n = events.length;
        const at = new Date(start + n).toISOString();
        const envelope = { $correlationId: 'c', $causationId: 'c', actor: user, project: 'default', at };
        const revision = of(stream).length;
        events.push({ ...fact, id: idOf(n), stream, revision, position: BigInt(n + 1), metadata: envelope });
      }
    };
    for (let n = 0; n < 4; n++) store(`session-${idOf(n)}`, [sessionCreated(n)]);
    for (const one of commands) {
      const stream = `run-${idOf(100 + one.run)}`;
      if (of(stream).length === 0) store(stream, [runCreated(one.run)]);
      const run = fold(runDecider, of(stream)) as RunState;
      const session = fold(sessionDecider, of(`session-${idOf(one.run % 4)}`)) as SessionState;
      store(
        stream,
        refusable(() => onRun(run, one)),
      );
      store(
        `session-${session.id}`,
        refusable(() => onSession(session, one)),
      );
    }
    return events;
  });

function onRun(run: RunState, { verb, status, word, metadata: data, usage: used }: Command): RunFact[] {
  if (verb === 'status') return changeRun(run, { status });
  if (verb === 'metadata') return changeRun(run, { metadata: data });
  if (verb === 'usage') return changeRun(run, { usage: used });
  if (verb === 'claim')
    return claimRun(run, leaseFrom(start, { lease_id: user, worker_id: 'w', seconds: 10 }));
  if (verb === 'heartbeat') return extendLease(run, user, start + 5_000);
  if (verb === 'expire') return expireLease(run, start + 20_000);
  if (verb === 'tell') return appendEvents(run, said(word, used));
  if (verb === 'tool') return appendEvents(run, called(word, status));
  return verb === 'cancel' ? cancelRun(run, 'enough') : [];
}

const said = (text: string, used: Usage): NewRunEvent[] => [
  { type: 'user', data: { text } },
  { type: 'message.output.completed', data: { text, usage: { ...used } } },
];

function called(name: string, status: string): NewRunEvent[] {
  const tool_use_id = Buffer.from(name).toString();
  if (status === 'pending') return [{ type: 'tool_call.started', data: { tool_use_id, name } }];
  if (status === 'failed') {
    return [{ type: 'tool_call.failed', data: { tool_use_id, error: { code: name, message: name } } }];
  }
  if (status === 'completed') return [{ type: 'tool_call.completed', data: { tool_use_id, result: name } }];
  return [{ type: 'tool_call.arguments.delta', data: { tool_use_id, delta: `"${name}` } }];
}

function onSession(session: SessionState, { verb, word, tags, run, usage: used }: Command): SessionFact[] {
  const use = { used_tokens: used.output_tokens, used_cost_usd: used.cost_usd };
  if (verb === 'budget') return changeSession(session, { budget: { max_tokens: 1_000, max_cost_usd: null } });
  if (verb === 'weigh') return weighBudget(session, use, session.budget_revision);
  if (verb === 'resume') return resumeSession(session, use);
  if (verb === 'title') return changeSession(session, { title: word });
  if (verb === 'tags') return changeSession(session, { tags });
  if (verb === 'alias') return changeAlias(session, word);
  if (verb === 'hold') {
    return claimSession(session, 'allow', new Set(), idOf(run), () => ({ run_id: idOf(run) }));
  }
  return verb === 'delete' ? deleteSession(session) : [];
}

function refusable<T>(decide: () => T[]): T[] {
  try {
    return decide();
  } catch {
    return [];
  }
}

const sessionCreated = (n: number): SessionFact => ({
  type: 'SessionCreated',
  data: {
    session_id: idOf(n),
    project_id: 'default',
    user_id: user,
    owner_principal_id: user,
    metadata: {},
  },
});

const runCreated = (n: number): RunFact => ({
  type: 'RunCreated',
  data: {
    run_id: idOf(100 + n),
    project_id: 'default',
    user_id: user,
    task_id: idOf(n % 2),
    session_id: idOf(n % 4),
    root_run_id: idOf(100 + n),
    kind: 'turn',
    metadata: { team: n % 3 },
    max_attempts: 3,
  },
});
