import { linesOf } from '#evidence';
import type { Api } from './api.js';
import { type Action, parseOptions, positionals } from './command.js';
import { CliError, exitCode } from './errors.js';
import { ProblemAnswer } from './problem.js';
import type { Resource } from './table.js';

interface AuditEvent {
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly metadata: { readonly at: string; readonly actor: string };
  readonly data: object;
}

/** Where what a stream tells of is read, and what names a moment of it after an event. */
const resources = {
  run: { path: '/v1/runs/', moment: ({ revision }: AuditEvent) => String(revision + 1) },
  session: { path: '/v1/sessions/', moment: ({ metadata }: AuditEvent) => metadata.at },
} as const;

export const replay = (args: readonly string[]): Action => {
  const [stream] = positionals(parseOptions(args, {}).positionals, 'stream');
  return async ({ api, out }) => {
    const [, kind = '', id = ''] = /^(run|session)-(.*)$/.exec(stream) ?? [];
    let events = 0;
    for await (const event of eventsOf(api, stream)) {
      events++;
      const { revision, type, metadata, data } = event;
      const step = { revision, type, at: metadata.at, actor: metadata.actor, data };
      const state =
        kind === 'run' || kind === 'session'
          ? await stateAt(api, kind, id, resources[kind].moment(event)).catch(noneWhenDeleted)
          : undefined;
      await out.write(`${JSON.stringify({ ...step, ...(state !== undefined && { state }) })}\n`);
    }
    if (events === 0) throw new CliError(`not_found: there is no stream ${stream}`, exitCode.refused);
    return exitCode.ok;
  };
};

export const asOf = (args: readonly string[]): Action => {
  const [subject, moment] = positionals(
    parseOptions(args, {}).positionals,
    'run or session',
    'time or number',
  );
  return async ({ api, out }) => {
    await out.write(`${JSON.stringify(await subjectAt(api, subject, moment))}\n`);
    return exitCode.ok;
  };
};

/** The events of a deleted session are there, its states are shown no more. */
const noneWhenDeleted = (error: unknown): undefined => {
  if (!(error instanceof ProblemAnswer) || error.status !== 410) throw error;
};

async function* eventsOf(api: Api, stream: string): AsyncGenerator<AuditEvent> {
  for await (const { lines } of linesOf(api.bytes('/v1/audit/events', { stream }))) {
    for (const line of lines) yield JSON.parse(line.toString()) as AuditEvent;
  }
}

/** A bare id is a run's, or else a session's. */
async function subjectAt(api: Api, subject: string, moment: string): Promise<Resource> {
  const [, kind, id = subject] = /^(run|session)-(.*)$/.exec(subject) ?? [];
  if (kind === 'run' || kind === 'session') return stateAt(api, kind, id, moment);
  try {
    return await stateAt(api, 'run', id, moment);
  } catch (error) {
    if (!(error instanceof ProblemAnswer) || error.status !== 404) throw error;
    return await stateAt(api, 'session', id, moment).catch((other: unknown) => {
      const neither = other instanceof ProblemAnswer && other.status === 404;
      throw neither
        ? new CliError(`not_found: no run or session ${id} was there then`, exitCode.refused)
        : other;
    });
  }
}

const stateAt = (api: Api, kind: keyof typeof resources, id: string, as_of: string): Promise<Resource> =>
  api.call<Resource>('GET', resources[kind].path + encodeURIComponent(id), { query: { as_of } });
