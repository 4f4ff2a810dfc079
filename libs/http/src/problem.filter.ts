import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from './context.js';
import { EarlyAnswer } from './early-answer.js';
import { catalogue } from './problem.catalogue.js';
import { ProblemError, problemOf } from './problems.js';

const type = 'application/problem+json';

/** Turns whatever was thrown, by Nest, Fastify or a handler, into `application/problem+json` (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      this.log(request, error);
      return;
    }
    if (error instanceof EarlyAnswer) error.send(reply);
    else this.answer(request, reply, error);
  }

  private answer(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
    let problem = problemOf(error, request.headers['if-match'] !== undefined);
    if (problem === undefined) {
      this.log(request, error);
      problem = new ProblemError(
        'internal',
        'The server failed to answer; its log has more under the request id.',
      );
    }
    answerProblem(request, reply, problem);
  }

  private log(request: FastifyRequest, error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.logger.error(`${request.id} ${request.method} ${request.url} ${stack}`);
  }
}

/** Answers what the router refuses before any hook runs: Fastify's `frameworkErrors`. */
export function refuseByRouter(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? new ProblemError('not_found', 'There is no such resource.')
      : new ProblemError('bad_request', 'The path cannot be decoded.');
  answerProblem(request, reply, problem);
}

function answerProblem(request: FastifyRequest, reply: FastifyReply, problem: ProblemError): void {
  const { code, detail, options } = problem;
  const { status: usual, title, retryable } = catalogue[code];
  const status = options.status ?? usual;
  const query = request.url.indexOf('?');
  // What the router refuses has no context yet.
  const ctx = request.ctx as RequestContext | undefined;
  if (ctx !== undefined) ctx.refusal = code;
  // Closed under a body that is still coming, the connection would be reset before the client has read this.
  if (!request.raw.complete) void reply.removeHeader('connection');
  void reply
    .code(status)
    .header('content-type', type)
    .header('x-request-id', request.id)
    .headers({ ...(status === 503 && { 'retry-after': '1' }), ...options.headers })
    .send(
      JSON.stringify({
        ...options.extra,
        type: `https://runledger.dev/problems#${code}`,
        title,
        status,
        detail,
        instance: query < 0 ? request.url : request.url.slice(0, query),
        code,
        errors: options.errors,
        retryable,
        request_id: request.id,
      }),
    );
}
