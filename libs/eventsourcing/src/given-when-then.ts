import { expect } from '@jest/globals';
import { fold, RuleViolation, type Decider } from './decider.js';
import type { Fact, RecordedEvent } from './event.js';

type Decision<State, F extends Fact> = (state: State, revision: number) => readonly F[];

interface Then<F extends Fact> {
  /** The decision answers exactly these facts; `[]` is "ignored". */
  then(facts: readonly F[]): void;
  /** The decision breaks the rule of this code, and answers nothing. */
  thenRefused(code: string, extra?: RuleViolation['extra']): void;
}

const recorded = (fact: Fact, revision: number): RecordedEvent => ({
  ...fact,
  id: `00000000-0000-8000-8000-${String(revision).padStart(12, '0')}`,
  stream: 'given',
  revision,
  position: BigInt(revision),
  metadata: {
    $correlationId: 'given',
    $causationId: 'given',
    actor: 'given',
    project: 'default',
    at: '2026-01-01T00:00:00.000Z',
  },
});

/**
 * Facts in, facts out (Emmett, `testing/deciderSpecification.ts`): what has happened to the stream,
 * then the decision on the state that follows from it.
 */
export const given = <State, F extends Fact>(decider: Decider<State, F>, facts: readonly NoInfer<F>[]) => ({
  when: (decide: Decision<State, F>): Then<F> => {
    const run = (): readonly F[] =>
      decide(fold(decider, (facts as readonly Fact[]).map(recorded)), facts.length - 1);
    return {
      then: (wanted) => {
        expect(run()).toEqual(wanted);
      },
      thenRefused: (code, extra = {}) => {
        let refusal: unknown;
        try {
          run();
        } catch (error) {
          refusal = error;
        }
        expect(refusal).toBeInstanceOf(RuleViolation);
        expect(refusal).toMatchObject({ code, extra });
      },
    };
  },
});
