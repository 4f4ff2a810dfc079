import { ServerUnreachable } from './errors.js';
import { problemAnswer } from './problem.js';
import type { Settings } from './settings.js';

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives up waiting early; by default only the time limit does. */
  readonly signal?: AbortSignal;
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

const timeLimit = 30_000;

/** The HTTP API as the commands call it. */
export class Api {
  constructor(private readonly settings: Settings) {}

  /** The answer's body, undefined for 204. @throws ProblemAnswer, ServerUnreachable */
  async call<T>(method: string, path: string, request: ApiRequest = {}): Promise<T> {
    const limit = AbortSignal.timeout(timeLimit);
    const { body, headers, signal } = request;
    try {
      const response = await fetch(this.settings.url + path + queryString(request.query), {
        method,
        headers: {
          authorization: `Bearer ${this.settings.key}`,
          ...(body && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      if (!response.ok) throw await problemAnswer(response);
      return (response.status === 204 ? undefined : await response.json()) as T;
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** Items of a list, page by page, at most `limit`. @throws ProblemAnswer, ServerUnreachable */
  async *list<T>(path: string, limit: number, query: ApiRequest['query'] = {}): AsyncGenerator<T> {
    let cursor: string | undefined;
    for (let left = limit; left > 0;) {
      const page = await this.call<Page<T>>('GET', path, {
        query: { ...query, limit: Math.min(left, 100), cursor },
      });
      yield* page.data;
      if (page.next_cursor === null || page.data.length === 0) return;
      left -= page.data.length;
      cursor = page.next_cursor;
    }
  }

  /** `fetch` rejects with a TypeError whose cause names the socket's error, or with the signal's reason. */
  private translated(error: unknown): unknown {
    if (error instanceof SyntaxError)
      return new ServerUnreachable(this.settings.url, 'the answer is no JSON');
    if (error instanceof DOMException) return new ServerUnreachable(this.settings.url, 'no answer in time');
    if (!(error instanceof TypeError)) return error;
    const cause = error.cause as { code?: string; message?: string } | undefined;
    return new ServerUnreachable(this.settings.url, cause?.code ?? cause?.message ?? error.message);
  }
}

const queryString = (query: ApiRequest['query'] = {}): string => {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};
