import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent, SeenIds } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { runDecider, type Run, type RunState } from './run.decider.js';
import type { RunFact } from './run.events.js';
import { appendEvents, placesOf } from './timeline.decider.js';

const [a, b] = ['01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-00000000000b'];
const session_id = '01900000-0000-7000-8000-00000000005e';
const created: RunFact = {
  type: 'RunCreated',
  data: {
    run_id: '01900000-0000-7000-8000-000000000001',
    project_id: 'default',
    user_id: '01900000-0000-7000-8000-0000000000aa',
    task_id: '01900000-0000-7000-8000-0000000000bb',
    root_run_id: '01900000-0000-7000-8000-000000000001',
    session_id,
    kind: 'turn',
    metadata: {},
    max_attempts: 3,
  },
};
const user = (id?: string) => ({ type: 'user', data: { text: 'Hello' }, ...(id !== undefined && { id }) });
const recorded = (id?: string): RunFact => ({ type: 'RunEventRecorded', data: { ...user(id), session_id } });
const completed: RunFact = { type: 'RunCompleted', data: { from: 'running', session_id } };
const known = (run: Run): RunState => run as RunState;

describe('appending events to a run', () => {
  it('written: each of them, with the session it happens in', () => {
    given(runDecider, [created])
      .when((run) => appendEvents(known(run), [user(a), user(), user()]))
      .then([recorded(a), recorded(), recorded()]);
  });

  it('ignored: an id that the run has seen, and the second of one id in a request', () => {
    given(runDecider, [created, recorded(a)])
      .when((run) => appendEvents(known(run), [user(a), user(b), user(b)]))
      .then([recorded(b)]);
  });

  it('refused: on a run that has ended', () => {
    given(runDecider, [created, completed])
      .when((run) => appendEvents(known(run), [user()]))
      .thenRefused('run_terminal');
  });

  it('ignored: on a run that has ended, when every id was seen before', () => {
    given(runDecider, [created, recorded(a), completed])
      .when((run) => appendEvents(known(run), [user(a)]))
      .then([]);
  });

  it('tells where events stand that were seen before', () => {
    given(runDecider, [created, recorded(a), recorded(), recorded(b)]).when((run) => {
      expect(placesOf(known(run), [user(b), user(a)])).toEqual({ first: 2, last: 4 });
      return [];
    });
  });
});

const fact = (type: string, data: object): RecordedEvent => ({
  id: 'event',
  stream: 'run-1',
  type,
  data,
  revision: 1,
  position: 1n,
  metadata: {
    $correlationId: 'c',
    $causationId: 'c',
    actor: 'a',
    project: 'p',
    at: '2026-01-01T00:00:00.000Z',
  },
});

describe('what a timeline tells of its run', () => {
  const says = (type: string, data: object) => fact('RunEventRecorded', { type, data, session_id });
  const after = (...events: RecordedEvent[]) =>
    known(fold(runDecider, [{ ...fact('RunCreated', created.data), revision: 0 }, ...events]));

  it('the newest message is its output, and the usage of all is summed', () => {
    const run = after(
      says('message.output.completed', { text: 'One', usage: { input_tokens: 3, cost_usd: 0.1 } }),
      says('completion', { done: true, usage: { output_tokens: 4, cost_usd: 0.2 } }),
      says('message.output.completed', { text: 'Two' }),
    );
    expect(run.output).toEqual({ text: 'Two' });
    expect(run.usage).toMatchObject({ input_tokens: 3, output_tokens: 4, cost_usd: 0.3 });
  });

  it('is no change of the run itself: revision and time of change stay', () => {
    const [before, run] = [
      after(),
      after(says('user', { text: 'Hello' }), says('message.output.completed', { text: 'Hi' })),
    ];
    expect([run.revision, run.updated_at]).toEqual([before.revision, before.updated_at]);
  });
});

describe('the ids that were seen', () => {
  it('are all found, each with its number, and no state is changed by the next', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { maxLength: 300 }), (ids) => {
        const states = ids.reduce(
          (all, id, n) => [...all, (all.at(-1) as SeenIds).with(id, n + 1)],
          [SeenIds.none],
        );
        const last = states.at(-1) as SeenIds;
        ids.forEach((id, n) => {
          expect(last.sequenceOf(id)).toBe(n + 1);
          expect(states[n]?.sequenceOf(id)).toBeUndefined();
        });
        expect(last.size).toBe(ids.length);
      }),
      { numRuns: 20 },
    );
  });
});
