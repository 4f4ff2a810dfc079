import { randomUUID } from 'node:crypto';
import type { Server } from './server.js';

export type Body = Record<string, unknown>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of the answer; `{}` when it has none. */
  readonly body: Body;
}

export type Role = 'viewer' | 'user' | 'worker' | 'auditor' | 'operator' | 'admin';

/** The newest consistency token that callers who tell each other were answered with. */
export interface Told {
  token?: string;
}

/**
 * One caller of the API. Its reads wait for what it has written: it sends its newest consistency token back, and
 * asks again where a busy machine has not come to it in time.
 */
export class Api {
  /** @param told shared by those whose reads wait for each other's changes too */
  constructor(
    readonly url: string,
    readonly key: string,
    private readonly told: Told = {},
  ) {}

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const token = method === 'GET' && !('consistency-token' in headers) ? this.told.token : undefined;
    for (;;) {
      const reply = await this.send(method, path, body, {
        ...(token !== undefined && { 'consistency-token': token }),
        ...headers,
      });
      this.note(reply.headers.get('consistency-token'));
      if (token === undefined || reply.body['code'] !== 'projection_lagging') return reply;
    }
  }

  private async send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Body),
    };
  }

  /** Answers may overtake each other: the newest position counts. */
  private note(token: string | null): void {
    const position = (one = 'ct1.0'): bigint => BigInt(`0x${one.slice(4)}`);
    if (token !== null && position(token) > position(this.told.token)) this.told.token = token;
  }

  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.call('GET', path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.call('POST', path, body, headers);
  }

  patch(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.call('PATCH', path, body, headers);
  }

  delete(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.call('DELETE', path, undefined, headers);
  }

  /** Creates and answers the resource. Rejects unless it is 200 or 201. */
  async made(path: string, body: unknown = {}): Promise<Body & { id: string }> {
    const reply = await this.post(path, body);
    if (reply.status > 201) throw new Error(`POST ${path}: ${JSON.stringify(reply.body)}`);
    return reply.body as Body & { id: string };
  }

  /** The ids of one page of a list. */
  async ids(path: string): Promise<string[]> {
    return dataOf(await this.get(path)).map(({ id }) => String(id));
  }

  /** The ids of a whole list, page by page. */
  async allIds(path: string, limit = 100): Promise<string[]> {
    const ids: string[] = [];
    let cursor = '';
    for (;;) {
      const reply = await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
      ids.push(...dataOf(reply).map(({ id }) => String(id)));
      const next = reply.body['next_cursor'] as string | null;
      if (next === null) return ids;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
  }
}

/** The items of a list. Rejects an answer that is no list. */
export function dataOf({ status, body }: Reply): Body[] {
  if (status !== 200) throw new Error(`no list: ${JSON.stringify(body)}`);
  return body['data'] as Body[];
}

let projects = 0;

/** A project of its own on the server, and a way to make callers in it, who tell each other what they have changed. */
export async function newProject(
  server: Pick<Server, 'url' | 'key'>,
): Promise<{ id: string; caller(role: Role, userId?: string): Promise<Api> }> {
  const admin = new Api(server.url, server.key);
  const id = `project-${++projects}`;
  await admin.made('/projects', { id, name: id });
  const told: Told = {};
  return {
    id,
    caller: async (role, userId = randomUUID()) => {
      const key = await admin.made('/api-keys', { name: role, project_id: id, role, user_id: userId });
      return new Api(server.url, String(key['key']), told);
    },
  };
}
