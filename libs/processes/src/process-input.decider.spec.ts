import { test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { giveInput, processInputDecider } from './process-input.decider.js';
import type { ProcessInputGiven } from './process-input.events.js';

const piece = (sealed: string, closes = false): ProcessInputGiven => ({
  type: 'ProcessInputGiven',
  data: { sealed, closes },
});
const close: ProcessInputGiven = { type: 'ProcessInputGiven', data: { closes: true } };

test('pieces are written in order, and the last one closes', () => {
  given(processInputDecider, [piece('a')])
    .when((input) => giveInput(input, ['b', 'c'], true))
    .then([piece('b'), piece('c', true)]);
});

test('a close alone is written once, and ignored again', () => {
  given(processInputDecider, [piece('a')])
    .when((input) => giveInput(input, [], true))
    .then([close]);
  given(processInputDecider, [piece('a'), close])
    .when((input) => giveInput(input, [], true))
    .then([]);
});

test('nothing is ignored', () => {
  given(processInputDecider, [])
    .when((input) => giveInput(input, [], false))
    .then([]);
});

test('a piece behind the close is refused', () => {
  given(processInputDecider, [piece('a', true)])
    .when((input) => giveInput(input, ['b'], false))
    .thenRefused('stdin_closed');
});
