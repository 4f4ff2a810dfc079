import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, type Body, newProject, type Role } from './support/api.js';
import { type Env, outcomeOf, startRunledger } from './support/runledger.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let operator: Api;
let run: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});

/** A run that has ended, with ten old lines. */
beforeEach(async () => {
  project = await newProject(server);
  operator = await project.caller('operator');
  run = await endedRun();
});

async function endedRun(session = ''): Promise<string> {
  const { id } = await operator.made(session === '' ? '/runs' : `/sessions/${session}/runs`);
  const entries = Array.from({ length: 10 }, (_, n) => ({ ts: old, message: `line ${n}` }));
  await operator.made(`/runs/${id}/logs`, { entries });
  await operator.patch(`/runs/${id}`, { status: 'cancelled' });
  return id;
}

const old = '2020-01-02T03:04:05.000Z';
const nobody = '00000000-0000-7000-8000-000000000000';
const as = ({ url, key }: Api): Env => ({ RUNLEDGER_URL: url, RUNLEDGER_API_KEY: key });
const retention = (args: readonly string[], caller = operator) =>
  outcomeOf(startRunledger(['retention', ...args], as(caller)));

/** The documents of an answer. Rejects what was refused. */
const lines = async (...args: string[]): Promise<Body[]> => {
  const { code, stdout, stderr } = await retention(args);
  if (code !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Body);
};
const one = async (...args: string[]): Promise<Body> => (await lines(...args))[0] ?? {};
const firstKind = ({ kinds }: Body): Body | undefined => (kinds as Body[])[0];

describe('runledger retention: policies', () => {
  it('are set, listed and taken away again', async () => {
    const set = ['set', 'project', 'logs', '--max-age', 'P30D', '--max-bytes', '0', '--action', 'archive'];
    const policy = { scope: 'project', kind: 'logs', max_age: 'P30D', max_bytes: 0, action: 'archive' };
    expect(await one(...set)).toMatchObject(policy);
    await until(async () => (await lines()).length === 1);
    expect(await lines('list', '--json')).toEqual([expect.objectContaining(policy)]);
    expect(await retention(['remove', 'project', 'logs'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'removed the policy of project for logs\n',
    });
    await until(async () => (await lines()).length === 0);
  });

  it('replace the one there is as a whole: what is not given is no limit', async () => {
    await one('set', 'project', 'logs', '--max-age', 'P30D', '--action', 'archive');
    const policy = await one('set', 'project', 'logs', '--max-bytes', '7');
    expect(policy).toMatchObject({ max_age: null, max_bytes: 7, action: 'purge', revision: 2 });
  });

  it('are listed no more than asked for', async () => {
    for (const kind of ['logs', 'transcripts']) await one('set', 'project', kind);
    await until(async () => (await lines()).length === 2);
    expect(await lines('--limit', '1')).toHaveLength(1);
  });

  it('of a session win over that of the project', async () => {
    const session = await operator.made('/sessions');
    const its = await endedRun(session.id);
    await one('set', 'project', 'logs', '--max-age', 'P30D');
    await one('set', `session:${session.id}`, 'logs');
    expect(firstKind(await one('explain', 'run', its))).toMatchObject({
      policy: { scope: `session:${session.id}`, max_age: null },
      expires_at: null,
    });
    expect(await one('preview', 'project', 'logs', '--max-age', 'P30D')).toMatchObject({ ids: [run] });
  });
});

describe('runledger retention: from a preview to a sweep', () => {
  const limits = ['project', 'logs', '--max-age', 'P30D'];

  it('removes what the preview told, and tells what was removed', async () => {
    const removal = { scope: 'project', kind: 'logs', subjects: 1, count: 10, oldest: old, newest: old };
    const told = await one('preview', ...limits);
    expect(told).toMatchObject({ ...removal, ids: [run] });
    expect(await lines('list')).toEqual([]);

    await one('set', ...limits);
    expect(firstKind(await one('explain', 'run', run))).toMatchObject({
      policy: { scope: 'project', max_age: 'P30D' },
      expires_at: '2020-02-01T03:04:05.000Z',
      stored: { count: 10 },
    });
    expect(await one('apply')).toMatchObject({
      status: 'succeeded',
      progress: { done: 10, total: 10 },
      result: { removed: [told], kept: 0 },
    });
    expect(firstKind(await one('explain', 'run', run))).toMatchObject({
      stored: { count: 0 },
      purged: { count: 10 },
    });
  });

  it.each(['run', 'session', 'user'])(
    'removes nothing that a hold on a %s keeps, until its release',
    async (of) => {
      const { id: session } = await operator.made('/sessions');
      const held = await endedRun(session);
      const { body } = await operator.get(`/runs/${held}`);
      const id = String({ run: held, session, user: body['user_id'] }[of]);
      const hold = await one('hold', of, id, '--reason', 'case 7');
      expect(hold).toMatchObject({ subject: { [`${of}_id`]: id }, reason: 'case 7' });
      await until(async () => (await lines('holds')).length === 1);
      expect(await one('explain', 'run', held)).toMatchObject({ legal_holds: [hold] });

      await one('set', ...limits);
      expect(JSON.stringify(await one('apply'))).not.toContain(held);
      const release = await retention(['release', String(hold['id']), '--reason', 'closed']);
      expect(release).toEqual({ code: 0, stdout: '', stderr: `released ${String(hold['id'])}\n` });
      expect(await one('apply')).toMatchObject({
        result: { removed: [{ ids: expect.arrayContaining([held]) as unknown }] },
      });
      await until(async () => (await lines('holds')).length === 0);
      expect(await lines('holds', '--all')).toMatchObject([{ id: hold['id'], release_reason: 'closed' }]);
    },
  );

  it('explains of a session which holds stand in the way, and that it is running', async () => {
    const session = await operator.made('/sessions');
    await operator.made(`/sessions/${session.id}/runs`);
    const hold = await one('hold', 'session', session.id, '--reason', 'case 7');
    const explained = await one('explain', 'session', session.id);
    expect(explained).toMatchObject({ session_id: session.id, running: true, legal_holds: [hold] });
  });

  it('refuses a second sweep while one is under way', async () => {
    const unswept = await startServer({ ROLES: 'api,projector' });
    try {
      const api = await (await newProject(unswept)).caller('operator');
      const { body } = await api.post('/retention/apply');
      expect(await retention(['apply'], api)).toEqual({
        code: 1,
        stdout: '',
        stderr: `already_running: sweep ${String(body['id'])} of this project is running\n`,
      });
    } finally {
      await unswept.stop();
    }
  });
});

describe('runledger retention: one sentence for', () => {
  it.each([
    [['set', 'planet', 'logs'], /^not_found: A scope is default, project, or session: and an id\.\n$/],
    [['set', 'project', 'lines'], /^not_found: A kind is one of logs, .*\n$/],
    [['preview', 'planet', 'logs'], /^validation_failed: \/scope: .*\n$/],
    [
      ['preview', 'project', 'logs', '--max-age', '30d'],
      /^validation_failed: \/max_age: .* such as P90D.*\n$/,
    ],
    [['set', 'project', 'logs', '--action', 'burn'], /^validation_failed: \/action: .*\n$/],
    [['remove', 'project', 'logs'], /^not_found: there is no such policy\n$/],
    [['explain', 'run', nobody], /^not_found: there is no run .*\n$/],
    [['hold', 'session', nobody, '--reason', 'x'], /^unknown_reference: there is no session .*\n$/],
    [['release', nobody], /^not_found: no legal hold .* stands\n$/],
    [['set', 'default', 'logs'], /^forbidden: Only an admin of the project default .*\n$/],
  ])('what the server refuses: %j', async (args, sentence) => {
    const stderr = expect.stringMatching(sentence) as unknown;
    expect(await retention(args)).toEqual({ code: 1, stdout: '', stderr });
  });

  it.each<[Role, string[]]>([
    ['viewer', ['list']],
    ['auditor', ['set', 'project', 'logs']],
    ['auditor', ['apply']],
    ['user', ['hold', 'run', nobody, '--reason', 'x']],
  ])('a %s that asks for %j', async (role, args) => {
    expect(await retention(args, await project.caller(role))).toEqual({
      code: 1,
      stdout: '',
      stderr: `forbidden: A caller with the role ${role} may not do this.\n`,
    });
  });
});
