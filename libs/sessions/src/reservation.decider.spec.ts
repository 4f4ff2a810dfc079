import { describe, expect, it } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { move, release, reservationDecider, reserve, take } from './reservation.decider.js';
import { reservationStream, type ReservationFact } from './session.events.js';

const claimant = { value: 'main', holder: 'one', user_id: 'ann' };
const reserved: ReservationFact = { type: 'ValueReserved', data: claimant };

describe('reserving a value', () => {
  it('written: when it is free', () => {
    given(reservationDecider, [])
      .when((state) => reserve(state, claimant))
      .then([reserved]);
  });

  it('written: when it was given back', () => {
    given(reservationDecider, [reserved, { type: 'ValueReleased', data: { holder: 'one' } }])
      .when((state) => reserve(state, { ...claimant, holder: 'two' }))
      .then([{ type: 'ValueReserved', data: { ...claimant, holder: 'two' } }]);
  });

  it('ignored: when it is taken', () => {
    given(reservationDecider, [reserved])
      .when((state) => reserve(state, { ...claimant, holder: 'two' }))
      .then([]);
  });
});

describe('moving a value', () => {
  it('written: from the one who has it', () => {
    given(reservationDecider, [reserved])
      .when((state) => move(state, { ...claimant, holder: 'two' }))
      .then([{ type: 'ValueReserved', data: { ...claimant, holder: 'two', previous: 'one' } }]);
  });

  it('ignored: to the one who has it', () => {
    given(reservationDecider, [reserved])
      .when((state) => move(state, claimant))
      .then([]);
  });
});

describe('taking an alias', () => {
  const another = { ...claimant, holder: 'two', user_id: 'bob' };

  it('written: from a session that the caller may change, or from none', () => {
    given(reservationDecider, [reserved])
      .when((state) => take(state, another, (user) => user === 'ann'))
      .then([{ type: 'ValueReserved', data: { ...another, previous: 'one' } }]);
    given(reservationDecider, [])
      .when((state) => take(state, another, () => false))
      .then([{ type: 'ValueReserved', data: another }]);
  });

  it('ignored: by the session that has it', () => {
    given(reservationDecider, [reserved])
      .when((state) => take(state, claimant, () => false))
      .then([]);
  });

  it('refused: from a session that the caller may not change', () => {
    given(reservationDecider, [reserved])
      .when((state) => take(state, another, (user) => user === 'bob'))
      .thenRefused('alias_taken');
  });
});

describe('giving a value back', () => {
  it('written: by its holder', () => {
    given(reservationDecider, [reserved])
      .when((state) => release(state, 'one'))
      .then([{ type: 'ValueReleased', data: { holder: 'one' } }]);
  });

  it('ignored: by anyone else', () => {
    given(reservationDecider, [reserved])
      .when((state) => release(state, 'two'))
      .then([]);
  });
});

describe('the stream of a value', () => {
  it('is named by the value, the same for sub-agents whatever their case', () => {
    expect(reservationStream.alias('default', 'main')).toBe('sessionAlias-default/main');
    expect(reservationStream.subagent('p', 'ANN')).toBe(reservationStream.subagent('p', 'ann'));
  });

  it.each(['\u{20000}'.repeat(1_000), '\ud800', 'a'.repeat(201)])('stays short and plain', (value) => {
    expect(reservationStream.alias('default', value)).toMatch(/^sessionAlias-\/default\/[0-9a-f-]{36}$/);
  });

  it('tells lone surrogates apart, which UTF-8 would not', () => {
    expect(reservationStream.alias('p', '\ud800')).not.toBe(reservationStream.alias('p', '\ud801'));
  });
});
