import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { RuleViolation, uuidv7 } from '#eventsourcing';
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
    request.ctx.decided = error instanceof RuleViolation;
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

const unparsed: Readonly<Record<string, [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The line and the headers of a request have at most 16 KiB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come within 60 s.'],
};

/** Answers what never became a request: Fastify's `clientErrorHandler`. */
export function refuseByParser({ code }: ConnectionError, socket: Socket): void {
  if (code !== 'ECONNRESET' && socket.writable) {
    const [status, detail] = unparsed[code] ?? [400, 'The request is not well-formed HTTP.'];
    const id = uuidv7();
    const body = documentOf(new ProblemError('bad_request', detail, { status }), id);
    const headers = [
      `content-type: ${type}`,
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
    ];
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...headers, 'connection: close'];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroy();
}

function answerProblem(request: FastifyRequest, reply: FastifyReply, problem: ProblemError): void {
  const { code, options } = problem;
  const status = options.status ?? catalogue[code].status;
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
    .send(documentOf(problem, request.id, request.url.split('?', 1)[0]));
}

/** The members of a problem, as JSON. @param instance the path that was asked for */
function documentOf({ code, detail, options }: ProblemError, request_id: string, instance?: string): string {
  const { status, title, retryable } = catalogue[code];
  return JSON.stringify({
    ...options.extra,
    type: `https://runledger.dev/problems#${code}`,
    title,
    status: options.status ?? status,
    detail,
    instance,
    code,
    errors: options.errors,
    retryable,
    request_id,
  });
}
