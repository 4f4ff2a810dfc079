import type { FastifyReply } from 'fastify';

/** What an answer consists of, as it is remembered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Thrown by a guard that knows the answer already, so that the handler does not run. */
export class EarlyAnswer extends Error {
  override readonly name = 'EarlyAnswer';
  constructor(private readonly answer: Answer) {
    super('answered before the handler');
  }

  send(reply: FastifyReply): void {
    const { status, headers, body } = this.answer;
    void reply
      .code(status)
      .headers(headers)
      .send(body === '' ? undefined : body);
  }
}
