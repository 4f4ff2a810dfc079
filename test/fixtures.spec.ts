import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fold, type RecordedEvent, Upcasters } from '#eventsourcing';
import { processDecider, ProcessesProjection, sandboxDecider } from '#processes';
import { processInputDecider } from '../libs/processes/src/process-input.decider.js';
import { processKeyDecider } from '../libs/processes/src/process-key.decider.js';
import { bytesOf, type ProcessOutputWritten } from '../libs/processes/src/process-output.events.js';
import { runSandboxDecider } from '../libs/processes/src/run-sandbox.decider.js';
import { logDecider } from '#logs';
import { legalHoldDecider, policyDecider, sweepDecider } from '#retention';
import { rebuildsDecider } from '../libs/projections/src/rebuild.decider.js';
import { runDecider, RunsProjection } from '#runs';
import { sessionDecider, SessionsProjection } from '#sessions';
import {
  purgedSegmentsDecider,
  transcriptDecider,
  TranscriptProjection,
  transcriptSeedsDecider,
} from '#transcripts';
import { interactionDecider, InteractionsProjection } from '#interactions';
import { pinDecider } from '../libs/sessions/src/pin.decider.js';
import { sessionStateDecider } from '../libs/sessions/src/session-state.decider.js';
import { reservationDecider } from '../libs/sessions/src/reservation.decider.js';
import { type Database, freshDatabase } from './support/database.js';
import { projected } from './support/projected.js';

const folder = join(import.meta.dirname, 'fixtures/events');

/** Where the types of stored events are declared, and what folds their streams. */
const rooms: readonly {
  file: string;
  prefix: string;
  birth?: string;
  folded(events: readonly RecordedEvent[]): unknown;
}[] = [
  {
    file: 'libs/sessions/src/session.events.ts',
    prefix: 'session-',
    birth: 'SessionCreated',
    folded: (events) => fold(sessionDecider, events),
  },
  {
    file: 'libs/sessions/src/session.events.ts',
    prefix: 'sessionAlias-',
    folded: (events) => fold(reservationDecider, events),
  },
  {
    file: 'libs/sessions/src/session.events.ts',
    prefix: 'sessionPins-',
    folded: (events) => [...fold(pinDecider, events)],
  },
  {
    file: 'libs/sessions/src/session-state.events.ts',
    prefix: 'sessionState-',
    folded: (events) => fold(sessionStateDecider, events),
  },
  {
    file: 'libs/runs/src/run.events.ts',
    prefix: 'run-',
    birth: 'RunCreated',
    folded: (events) => fold(runDecider, events),
  },
  {
    file: 'libs/transcripts/src/transcript.events.ts',
    prefix: 'transcript-',
    birth: 'SegmentsAppended',
    folded: (events) => fold(transcriptDecider, events),
  },
  {
    file: 'libs/transcripts/src/transcript.events.ts',
    prefix: 'transcriptPurged-',
    folded: (events) => fold(purgedSegmentsDecider, events),
  },
  {
    file: 'libs/logs/src/log.events.ts',
    prefix: 'runLog-',
    folded: (events) => fold(logDecider, events),
  },
  {
    file: 'libs/retention/src/retention.events.ts',
    prefix: 'retention-',
    folded: (events) => fold(policyDecider, events),
  },
  {
    file: 'libs/retention/src/legal-hold.events.ts',
    prefix: 'legalHolds-',
    folded: (events) => fold(legalHoldDecider, events),
  },
  {
    file: 'libs/retention/src/sweep.events.ts',
    prefix: 'retentionSweeps-',
    birth: 'SweepRequested',
    folded: (events) => fold(sweepDecider, events),
  },
  {
    file: 'libs/transcripts/src/transcript-seeds.events.ts',
    prefix: 'transcriptSeeds-',
    folded: (events) => fold(transcriptSeedsDecider, events),
  },
  {
    file: 'libs/projections/src/rebuild.events.ts',
    prefix: 'projection-',
    birth: 'RebuildRequested',
    folded: (events) => fold(rebuildsDecider, events),
  },
  {
    file: 'libs/processes/src/sandbox.events.ts',
    prefix: 'sandbox-',
    birth: 'SandboxRequested',
    folded: (events) => fold(sandboxDecider, events),
  },
  {
    file: 'libs/processes/src/process.events.ts',
    prefix: 'process-',
    birth: 'ProcessRequested',
    folded: (events) => fold(processDecider, events),
  },
  {
    file: 'libs/processes/src/run-sandbox.events.ts',
    prefix: 'runSandbox-',
    folded: (events) => fold(runSandboxDecider, events),
  },
  {
    file: 'libs/processes/src/process-input.events.ts',
    prefix: 'processInput-',
    folded: (events) => fold(processInputDecider, events),
  },
  {
    file: 'libs/processes/src/process-key.events.ts',
    prefix: 'processEnvKey-',
    folded: (events) => fold(processKeyDecider, events),
  },
  {
    file: 'libs/processes/src/process-output.events.ts',
    prefix: 'processOutput-',
    folded: ([event]) => event && bytesOf((event as RecordedEvent<ProcessOutputWritten>).data),
  },
  {
    file: 'libs/interactions/src/interaction.events.ts',
    prefix: 'interaction-',
    birth: 'InteractionRequested',
    folded: (events) => fold(interactionDecider, events),
  },
];

const upcasters = new Upcasters();
const stored = (file: string): RecordedEvent => {
  const event = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Omit<
    RecordedEvent,
    'revision' | 'position'
  >;
  return upcasters.upcast({ ...event, revision: 0, position: 1n });
};
const declared = [...new Set(rooms.map(({ file }) => file))].flatMap((file) =>
  [...readFileSync(join(import.meta.dirname, '..', file), 'utf8').matchAll(/\bFact<\s*'(\w+)'/g)].map(
    ([, type = '']) => type,
  ),
);
const fixtures = readdirSync(folder);
const ours = fixtures.filter((file) => declared.includes(file.split('.')[0] ?? ''));

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

describe('every event that a session or a run ever stored', () => {
  it.each(declared)('has a fixture of its newest shape: %s', (type) => {
    expect(fixtures).toContain(`${type}.v${upcasters.version(type)}.json`);
  });

  it.each(ours)('is named by type and version, and is still written by someone: %s', (file) => {
    const { type, metadata } = stored(file);
    expect(file).toMatch(new RegExp(`^${type}\\.v[1-9]\\d*(\\.[a-z]+)?\\.json$`));
    expect(metadata.schemaVersion ?? 1).toBe(upcasters.version(type));
  });

  it.each(ours)('folds by its decider: %s', (file) => {
    const event = stored(file);
    const room = rooms.find(({ prefix }) => event.stream.startsWith(prefix));
    const birth = room?.birth === undefined ? [] : [stored(`${room.birth}.v1.json`)];
    const events = event.type === room?.birth ? birth : [...birth, { ...event, revision: birth.length }];
    const state = room?.folded(events);
    expect(state).toBeDefined();
    expect(state).toMatchSnapshot();
  });

  it.each(ours)('folds by the projections: %s', async (file) => {
    const births = ['SessionCreated', 'RunCreated'].map((type) => stored(`${type}.v1.json`));
    const event = { ...stored(file), revision: 1 };
    const events = births.some(({ type }) => type === event.type) ? births : [...births, event];
    const sessions = await projected(
      database.url,
      new SessionsProjection(),
      onlyOf(events, ['session-', 'sessionPins-', 'run-', 'transcript-', 'process-']),
    );
    const runs = await projected(database.url, new RunsProjection(), onlyOf(events, ['run-', 'process-']));
    expect([sessions['sessions'], runs['runs']]).toMatchObject([[{}], [{}]]);
    expect({ sessions, runs }).toMatchSnapshot();
  });
});

it.each(ours.filter((file) => stored(file).stream.startsWith('transcript-')))(
  'a transcript is folded by its projection: %s',
  async (file) => {
    const birth = stored('SegmentsAppended.v1.json');
    const event = stored(file);
    const events = event.type === birth.type ? [birth] : [birth, event];
    const transcripts = await projected(database.url, new TranscriptProjection(), events);
    expect(transcripts).toMatchSnapshot();
  },
);

it.each(ours.filter((file) => /^(sandbox|process)-/.test(stored(file).stream)))(
  'a sandbox or process is folded by its projection: %s',
  async (file) => {
    const event = stored(file);
    const births = ['SandboxRequested', 'ProcessRequested'].map((type) => stored(`${type}.v1.json`));
    const events = births.some(({ type }) => type === event.type) ? births : [...births, event];
    const once = await projected(database.url, new ProcessesProjection(), events);
    expect(once).toEqual(await projected(database.url, new ProcessesProjection(), events, 1));
    expect(once).toMatchSnapshot();
  },
);

it.each(ours.filter((file) => stored(file).stream.startsWith('interaction-')))(
  'an interaction is folded by its projection: %s',
  async (file) => {
    const birth = stored('InteractionRequested.v1.json');
    const event = stored(file);
    const events = event.type === birth.type ? [birth] : [birth, { ...event, revision: 1, position: 2n }];
    expect(await projected(database.url, new InteractionsProjection(), events)).toMatchSnapshot();
  },
);

const onlyOf = (events: readonly RecordedEvent[], prefixes: readonly string[]): RecordedEvent[] =>
  events.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
