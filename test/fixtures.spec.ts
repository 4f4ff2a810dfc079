import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Decider,
  type Fact,
  fold,
  type RecordedEvent,
  type SnapshotForm,
  Upcasters,
} from '#eventsourcing';
import { apiKeyDecider } from '../libs/access/src/api-key.decider.js';
import { projectDecider } from '../libs/access/src/project.decider.js';
import { webhookDecider } from '#webhooks';
import { processDecider, ProcessesProjection, sandboxDecider } from '#processes';
import { processInputDecider } from '../libs/processes/src/process-input.decider.js';
import { processKeyDecider } from '../libs/processes/src/process-key.decider.js';
import { sizeOf } from '../libs/processes/src/output-content.js';
import type { ProcessOutputWritten } from '../libs/processes/src/process-output.events.js';
import { runSandboxDecider } from '../libs/processes/src/run-sandbox.decider.js';
import { logDecider } from '#logs';
import { legalHoldDecider, policyDecider, sweepDecider } from '#retention';
import { rebuildsDecider } from '../libs/projections/src/rebuild.decider.js';
import { runDecider, RunsProjection } from '#runs';
import { sessionDecider, SessionsProjection } from '#sessions';
import {
  purgedSegmentsDecider,
  transcriptDecider,
  transcriptForksDecider,
  TranscriptProjection,
  transcriptSeedsDecider,
} from '#transcripts';
import { interactionDecider, InteractionsProjection } from '#interactions';
import { mountDecider, MountsProjection } from '#mounts';
import { filingDecider, schedulesDecider, SchedulesProjection } from '#schedules';
import { pinDecider } from '../libs/sessions/src/pin.decider.js';
import { sessionStateDecider } from '../libs/sessions/src/session-state.decider.js';
import { reservationDecider } from '../libs/sessions/src/reservation.decider.js';
import { type Database, freshDatabase } from './support/database.js';
import { projected } from './support/projected.js';

const folder = join(import.meta.dirname, 'fixtures/events');

/** Where the types of stored events are declared, and what folds their streams. */
interface Room {
  readonly file: string;
  readonly prefix: string;
  /** The first event of such a stream, without which the others mean nothing. */
  readonly birth?: string;
  folded(events: readonly RecordedEvent[]): unknown;
  /** How states are kept that the fold makes, if they are. */
  readonly snapshot?: SnapshotForm<unknown>;
}

function room<State, F extends Fact>(
  file: string,
  prefix: string,
  decider: Decider<State, F>,
  birth?: string,
): Room {
  const folded = (events: readonly RecordedEvent[]): State =>
    fold(decider, events as readonly RecordedEvent<F>[]);
  const snapshot = decider.snapshot as SnapshotForm<unknown> | undefined;
  return {
    file: `libs/${file}.events.ts`,
    prefix,
    folded,
    ...(birth !== undefined && { birth }),
    ...(snapshot !== undefined && { snapshot }),
  };
}

const rooms: readonly Room[] = [
  room('access/src/api-key', 'apiKey-', apiKeyDecider, 'ApiKeyCreated'),
  room('access/src/project', 'project-', projectDecider),
  room('sessions/src/session', 'session-', sessionDecider, 'SessionCreated'),
  room('sessions/src/session', 'sessionAlias-', reservationDecider),
  room('sessions/src/session', 'sessionPins-', pinDecider),
  room('sessions/src/session-state', 'sessionState-', sessionStateDecider),
  room('runs/src/run', 'run-', runDecider, 'RunCreated'),
  room('transcripts/src/transcript', 'transcript-', transcriptDecider, 'SegmentsAppended'),
  room('transcripts/src/transcript', 'transcriptPurged-', purgedSegmentsDecider),
  room('transcripts/src/transcript-forks', 'transcriptForks-', transcriptForksDecider),
  room('logs/src/log', 'runLog-', logDecider),
  room('retention/src/retention', 'retention-', policyDecider),
  room('retention/src/legal-hold', 'legalHolds-', legalHoldDecider),
  room('retention/src/sweep', 'retentionSweeps-', sweepDecider, 'SweepRequested'),
  room('transcripts/src/transcript-seeds', 'transcriptSeeds-', transcriptSeedsDecider),
  room('projections/src/rebuild', 'projection-', rebuildsDecider, 'RebuildRequested'),
  room('processes/src/sandbox', 'sandbox-', sandboxDecider, 'SandboxRequested'),
  room('processes/src/process', 'process-', processDecider, 'ProcessRequested'),
  room('processes/src/run-sandbox', 'runSandbox-', runSandboxDecider),
  room('processes/src/process-input', 'processInput-', processInputDecider),
  room('processes/src/process-key', 'processEnvKey-', processKeyDecider),
  {
    file: 'libs/processes/src/process-output.events.ts',
    prefix: 'processOutput-',
    folded: ([event]) => event && sizeOf((event as RecordedEvent<ProcessOutputWritten>).data),
  },
  room('interactions/src/interaction', 'interaction-', interactionDecider, 'InteractionRequested'),
  room('webhooks/src/webhook', 'webhook-', webhookDecider, 'WebhookCreated'),
  room('schedules/src/schedule', 'schedules-', schedulesDecider, 'ScheduleCreated'),
  room('schedules/src/schedule', 'scheduleSession-', filingDecider),
  room('mounts/src/mount', 'mount-', mountDecider, 'MountCreated'),
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

describe('every event that was ever stored', () => {
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
    const own = rooms.find(({ prefix }) => event.stream.startsWith(prefix)) as Room;
    const birth = own.birth === undefined ? [] : [stored(`${own.birth}.v1.json`)];
    const events = event.type === own.birth ? [event] : [...birth, { ...event, revision: birth.length }];
    expect(own.folded(events)).toMatchSnapshot();
  });

  it.each(ours)('folds by the projections: %s', async (file) => {
    const births = ['SessionCreated', 'RunCreated'].map((type) => stored(`${type}.v1.json`));
    const event = { ...stored(file), revision: 1 };
    const born = births.some(({ type }) => type === event.type);
    const events = born
      ? births.map((birth) => (birth.type === event.type ? { ...event, revision: 0 } : birth))
      : [...births, event];
    const sessions = await projected(
      database.url,
      new SessionsProjection(),
      onlyOf(events, ['session-', 'sessionPins-', 'run-', 'transcript-', 'process-', 'schedules-']),
    );
    const runs = await projected(database.url, new RunsProjection(), onlyOf(events, ['run-', 'process-']));
    expect([sessions['sessions'], runs['runs']]).toMatchObject([[{}], [{}]]);
    expect({ sessions, runs }).toMatchSnapshot();
  });
});

// Where only the fixtures have changed, only the digest changes.
it.each([
  ['session-', 1, '47f6154fa7af1932914998386cf6f089a970ddf6795a142bdbe110bc231ac3cd'],
  ['run-', 1, 'fbb2c90af006a8cc5964f66121451e8b542e4f6df4db39a9b296d2d18cc1d09a'],
  ['transcript-', 1, 'a5da585ff68e83a87e25023a14d01269a0bc990dd79d2a9ed8fde7ee0e84449f'],
])('snapshots of %s have another version when the fold makes another state', (prefix, version, digest) => {
  const own = rooms.find((room) => room.prefix === prefix) as Room;
  const others = ours.filter((file) => stored(file).stream.startsWith(prefix));
  const events = [`${own.birth}.v1.json`, ...others.sort()].map((file, revision) => ({
    ...stored(file),
    revision,
  }));
  const states = events.map((_, n) => own.folded(events.slice(0, n + 1)));
  const kept = JSON.stringify(states.map((state) => own.snapshot?.toJson(state)));
  expect((JSON.parse(kept) as unknown[]).map((state) => own.snapshot?.fromJson(state))).toEqual(states);
  expect([own.snapshot?.version, createHash('sha256').update(kept).digest('hex')]).toEqual([version, digest]);
});

it('a fold whose states are kept is compared with their version', () => {
  expect(rooms.flatMap(({ prefix, snapshot }) => (snapshot === undefined ? [] : [prefix]))).toEqual([
    'session-',
    'run-',
    'transcript-',
  ]);
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

it.each(ours.filter((file) => /^(schedules|mount)-/.test(stored(file).stream)))(
  'a schedule or mount is folded by its projection: %s',
  async (file) => {
    const event = stored(file);
    const isMount = event.stream.startsWith('mount-');
    const birth = stored(isMount ? 'MountCreated.v1.json' : 'ScheduleCreated.v1.json');
    const events = event.type === birth.type ? [event] : [birth, { ...event, revision: 1, position: 2n }];
    const projection = isMount ? new MountsProjection() : new SchedulesProjection();
    expect(await projected(database.url, projection, events)).toMatchSnapshot();
  },
);

const onlyOf = (events: readonly RecordedEvent[], prefixes: readonly string[]): RecordedEvent[] =>
  events.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
