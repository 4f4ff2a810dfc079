import { type IncomingMessage, request } from 'node:http';

export interface Frame {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** One connection to a stream of events, as a careful client would keep it. */
export class Watch implements AsyncIterable<Frame> {
  private constructor(private readonly response: IncomingMessage) {}

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  header(name: string): string | undefined {
    const value = this.response.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  static open(url: string, key: string, headers: Readonly<Record<string, string>> = {}): Promise<Watch> {
    return this.send(url, 'GET', key, headers);
  }

  /** Asks for a stream by a POST. */
  static post(
    url: string,
    key: string,
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Watch> {
    const all = { 'content-type': 'application/json', ...headers };
    return this.send(url, 'POST', key, all, JSON.stringify(body));
  }

  private static send(
    url: string,
    method: string,
    key: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Watch> {
    return new Promise((resolve, reject) => {
      const all = { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers };
      const sent = request(url, { method, headers: all, agent: false }, (response) => {
        response.setEncoding('utf8');
        resolve(new Watch(response));
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }

  /** The frames as they come, comments left out; ends with the connection, however it ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let text = '';
    try {
      for await (const chunk of this.response) {
        text += String(chunk);
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const frame = parsed(text.slice(0, end));
          text = text.slice(end + 2);
          if (frame !== undefined) yield frame;
        }
      }
    } catch {
      // A connection that was cut.
    }
  }

  /** Frames until one for which this holds, that one included. */
  async until(last: (frame: Frame) => boolean): Promise<Frame[]> {
    const frames: Frame[] = [];
    for await (const frame of this) {
      frames.push(frame);
      if (last(frame)) break;
    }
    return frames;
  }

  /** The whole body as text, for an answer that is no stream. */
  async text(): Promise<string> {
    let text = '';
    for await (const chunk of this.response) text += String(chunk);
    return text;
  }

  close(): void {
    this.response.destroy();
  }
}

function parsed(text: string): Frame | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
  }
  const [event, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')];
  if (event === undefined || data === undefined) return undefined;
  return { event, id, data: JSON.parse(data) as Record<string, unknown> };
}
