import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Api, type Body, dataOf, newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});

/** Something that was said, once, wherever it is shown. */
interface Said {
  readonly owner: Session;
  content: unknown;
}

/** A session as it would be if a fork copied what it shares. */
interface Session {
  readonly id: string;
  readonly transcript: { readonly said: Said; purged: boolean }[];
  events: Body[];
  /** How much had been said when its feed ended with each number. */
  readonly saidBy: Map<number, number>;
}

const step = fc.record({
  verb: fc.constantFrom(
    ...(['say', 'say', 'say', 'tell', 'tell', 'fork', 'fork', 'forkAt'] as const),
    ...(['compact', 'redact', 'purge', 'purge'] as const),
  ),
  who: fc.nat(),
  n: fc.nat(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Sessions on the server, and beside them what they must show. */
class World {
  readonly sessions: Session[] = [];

  private constructor(private readonly api: Api) {}

  static async begun(): Promise<World> {
    const world = new World(await (await newProject(server)).caller('operator'));
    await world.add((await world.api.made('/sessions')).id);
    return world;
  }

  async take({ verb, who, n }: Step, time: number): Promise<void> {
    const session = this.sessions[who % this.sessions.length] as Session;
    const path = `/sessions/${session.id}`;
    const last = session.transcript.length;
    if (verb === 'say') {
      await this.api.made(`${path}/transcript`, { segments: [{ content: time }] });
      session.transcript.push({ said: { owner: session, content: time }, purged: false });
    } else if (verb === 'compact') {
      const { status } = await this.api.post(`${path}/transcript/compact`, { summary: time, mode: 'full' });
      if (status === 201) session.transcript.push({ said: { owner: session, content: time }, purged: false });
    } else if (verb === 'tell') {
      await this.api.patch(path, { title: `title ${time}` });
    } else if (verb === 'redact') {
      const seq = 1 + (n % (last + 1));
      const { status } = await this.api.post(`${path}/transcript/${seq}/redact`, { reason: 'private' });
      const one = session.transcript[seq - 1];
      expect(status).toBe(one === undefined ? 404 : one.purged ? 410 : 200);
      if (one !== undefined && status === 200) one.said.content = 'redacted';
    } else if (verb === 'purge') await this.purge(session);
    else {
      const end = session.events.length;
      const at_sequence = verb === 'fork' ? end : 1 + (n % end);
      const body = verb === 'fork' ? {} : { at_sequence };
      await this.add((await this.api.made(`${path}/fork`, body)).id, session, at_sequence);
    }
    session.events = await this.eventsOf(session.id);
    session.saidBy.set(session.events.length, session.transcript.length);
  }

  private async add(id: string, source?: Session, point = 0): Promise<void> {
    const events = await this.eventsOf(id);
    expect(events.slice(0, point)).toEqual(source?.events.slice(0, point) ?? []);
    const transcript = source?.transcript.slice(0, source.saidBy.get(point)).map((one) => ({ ...one })) ?? [];
    const before = [...(source?.saidBy ?? [])].filter(([number]) => number <= point);
    const saidBy = new Map([...before, [events.length, transcript.length]]);
    this.sessions.push({ id, transcript, events, saidBy });
  }

  /** Its policy lets go all that it shows; what is its own stays as long as others show it. */
  private async purge(session: Session): Promise<void> {
    const policy = `/retention/policies/session:${session.id}/transcripts`;
    await this.api.call('PUT', policy, { max_bytes: 0 });
    const { headers } = await this.api.post('/retention/apply');
    await until(async () => {
      const { body } = await this.api.get(String(headers.get('location')).replace('/v1', ''));
      return body['status'] !== 'running';
    });
    await this.api.delete(policy);
    for (const one of session.transcript) {
      const others = this.sessions.filter((other) => other !== session);
      const shared = others.some(({ transcript }) =>
        transcript.some(({ said, purged }) => said === one.said && !purged),
      );
      if (one.said.owner === session && shared) return;
      one.purged = true;
    }
  }

  async expectAsTold(): Promise<void> {
    for (const { id, transcript, events } of this.sessions) {
      const shown = dataOf(await this.api.get(`/sessions/${id}/transcript?view=full`));
      expect(shown.map(({ seq }) => seq)).toEqual(transcript.map((_, n) => n + 1));
      expect(
        shown.map(({ kind, content, retention }) => {
          if ((retention as Body)['state'] !== 'live') return 'purged';
          return kind === 'redacted' ? 'redacted' : content;
        }),
      ).toEqual(transcript.map(({ said, purged }) => (purged ? 'purged' : said.content)));
      expect(await this.eventsOf(id)).toEqual(events);
    }
  }

  private async eventsOf(id: string): Promise<Body[]> {
    return dataOf(await this.api.get(`/sessions/${id}/events`));
  }
}

test('whatever is said, forked, redacted and purged, each session shows what it would if forks were copies', async () => {
  const steps = fc.array(step, { minLength: 10, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const world = await World.begun();
      for (const [time, one] of taken.entries()) await world.take(one, time);
      await world.expectAsTold();
    }),
    { numRuns: 12, endOnFailure: true },
  );
  const admin = new Api(server.url, server.key);
  for (const name of ['transcripts', 'timeline']) {
    const path = `/projections/${name}/rebuilds`;
    const id = (await admin.post(path, { mode: 'verify' })).body['id'] as string;
    let verified: Body = {};
    await until(async () => {
      verified = (await admin.get(`${path}/${id}`)).body;
      return verified['ended_at'] !== null;
    });
    expect(verified).toMatchObject({ result: { identical: true } });
  }
});
