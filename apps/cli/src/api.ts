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
/** A quiet stream has a sign of life every 15 seconds: after three without one the connection is dead. */
const longestSilence = 45_000;
/** What is asked for, by the name that people know. */
const mediaTypes = {
  JSON: 'application/json',
  NDJSON: 'application/x-ndjson',
  'stream of events': 'text/event-stream',
} as const;

/** The HTTP API as the commands call it. */
export class Api {
  constructor(private readonly settings: Settings) {}

  /** The answer's body, undefined for 204. @throws ProblemAnswer, ServerUnreachable */
  async call<T>(method: string, path: string, request: ApiRequest = {}): Promise<T> {
    // Not `AbortSignal.timeout`: of one in `AbortSignal.any` Node 20 may lose the time, as garbage.
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
    }, timeLimit);
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
    try {
      const response = await this.answer('JSON', method, path, { ...request, signal });
      return (response.status === 204 ? undefined : await response.json()) as T;
    } catch (error) {
      throw this.translated(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The bytes of a stream of events, from when its head has come. They end with the connection, however that
   * ends: because the server is done, dead, or was silent for too long. @throws ProblemAnswer, ServerUnreachable
   */
  async stream(
    path: string,
    request: ApiRequest & { signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    const silence = new AbortController();
    const timer = setTimeout(() => {
      silence.abort();
    }, longestSilence).unref();
    try {
      const signal = AbortSignal.any([request.signal, silence.signal]);
      const { body } = await this.answer('stream of events', 'GET', path, { ...request, signal });
      return untilBroken((body ?? []) as AsyncIterable<Uint8Array>, timer);
    } catch (error) {
      clearTimeout(timer);
      silence.abort();
      throw this.translated(error);
    }
  }

  /** The bytes of an answer of lines of JSON, however long it is. Ends only when all have come. @throws ProblemAnswer, ServerUnreachable */
  async *bytes(path: string, query: ApiRequest['query'] = {}): AsyncGenerator<Uint8Array> {
    try {
      const { body } = await this.answer('NDJSON', 'GET', path, { query });
      yield* (body ?? []) as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** Items of a list, page by page, at most `limit`. @throws ProblemAnswer, ServerUnreachable for an answer that is no list too */
  async *list<T>(path: string, limit: number, query: ApiRequest['query'] = {}): AsyncGenerator<T> {
    let cursor: string | undefined;
    for (let left = limit; left > 0;) {
      const page = await this.call<Page<T> | null>('GET', path, {
        query: { ...query, limit: Math.min(left, 100), cursor },
      });
      if (!Array.isArray(page?.data)) throw new ServerUnreachable(this.settings.url, 'the answer is no list');
      yield* page.data;
      if (page.next_cursor === null || page.data.length === 0) return;
      left -= page.data.length;
      cursor = page.next_cursor;
    }
  }

  /** @throws ProblemAnswer, ServerUnreachable for an answer of another kind, and what `fetch` does */
  private async answer(
    kind: keyof typeof mediaTypes,
    method: string,
    path: string,
    { query, body, headers, signal }: ApiRequest,
  ): Promise<Response> {
    const response = await fetch(this.settings.url + path + queryString(query), {
      method,
      headers: {
        accept: mediaTypes[kind],
        authorization: `Bearer ${this.settings.key}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      // The server never redirects; to go along would lose the key, or the body.
      redirect: 'manual',
    });
    const location = response.headers.get('location');
    if (location !== null && response.status >= 300 && response.status < 400)
      return this.unusable(response, `it redirects to ${location}`);
    if (!response.ok) throw await problemAnswer(response);
    const mediaType = response.headers.get('content-type') ?? '';
    if (response.status !== 204 && !mediaType.startsWith(mediaTypes[kind]))
      return this.unusable(response, `the answer is no ${kind}`);
    return response;
  }

  /** Lets go of an answer that is not the server's, lest it keep the process from ending. @throws ServerUnreachable */
  private async unusable(response: Response, reason: string): Promise<never> {
    await response.body?.cancel();
    throw new ServerUnreachable(this.settings.url, reason);
  }

  /** `fetch` rejects with a TypeError whose cause names the socket's error, or with the signal's reason. */
  private translated(error: unknown): unknown {
    if (error instanceof DOMException) return new ServerUnreachable(this.settings.url, 'no answer in time');
    if (!(error instanceof TypeError)) return error;
    const cause = error.cause as { code?: string; message?: string } | undefined;
    return new ServerUnreachable(this.settings.url, cause?.code ?? cause?.message ?? error.message);
  }
}

async function* untilBroken(
  body: AsyncIterable<Uint8Array>,
  silence: NodeJS.Timeout,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      silence.refresh();
      yield chunk;
    }
  } catch {
    // Whoever follows connects again, and is told then what is wrong.
  } finally {
    clearTimeout(silence);
  }
}

const queryString = (query: ApiRequest['query'] = {}): string => {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};
