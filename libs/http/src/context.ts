import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Causation, type CommandSeed, type Principal } from '#eventsourcing';
import type { Answer } from './early-answer.js';
import type { ProblemCode } from './problem.catalogue.js';
import { ProblemError } from './problems.js';
import { traceIdOf } from './tracing.js';

declare module 'fastify' {
  interface FastifyRequest {
    ctx: RequestContext;
  }
}

/** What one server process has written; shared by all its requests. */
export interface Written {
  position: bigint | undefined;
}

/** What is known of one request on its way through the server. */
export class RequestContext {
  /** Bytes of the body; kept only when an Idempotency-Key came. */
  rawBody: Buffer | undefined;
  /** Position that a read must have reached, from the client's consistency token. */
  mustReach: bigint | undefined;
  /** Given by the idempotency guard: the identity that the command of this request must take. */
  seed: CommandSeed | undefined;
  /** Whether the caller may still call, which a long answer asks from time to time; set when the caller is authenticated. */
  stillValid: (() => boolean | Promise<boolean>) | undefined;
  /** Told of the answer before it leaves. */
  remember: ((answer: Answer) => Promise<void>) | undefined;
  /** Called once when an answer begins that Fastify does not send: a stream of events. */
  opened: (() => void) | undefined;
  /** The code of the problem that the request was refused with. */
  refusal: ProblemCode | undefined;
  /** Whether that was a rule of the domain: what became of the command is known, whatever the status. */
  decided = false;
  private caller: Principal | undefined;
  private command: Causation | undefined;

  constructor(
    readonly request: FastifyRequest,
    readonly reply: FastifyReply,
    readonly written: Written,
    /** Aborted when the server stops. */
    readonly closing: AbortSignal,
  ) {}

  get requestId(): string {
    return this.request.id;
  }

  /** Who calls; set when the caller is authenticated. @throws ProblemError unauthenticated before that */
  get principal(): Principal {
    if (this.caller === undefined)
      throw new ProblemError('unauthenticated', 'This call needs an API key or token.');
    return this.caller;
  }

  set principal(principal: Principal) {
    this.caller = principal;
  }

  /** Who calls, as far as that is known. */
  get knownPrincipal(): Principal | undefined {
    return this.caller;
  }

  /** The command that this request asks for: the same one however often it is asked. */
  causation(): Causation {
    return (this.command ??= this.newCausation());
  }

  private newCausation(): Causation {
    const { traceparent } = this.request.headers;
    const traceId = typeof traceparent === 'string' ? traceIdOf(traceparent) : undefined;
    return new Causation(this.principal, {
      ...(this.seed !== undefined && { seed: this.seed }),
      ...(traceId !== undefined && { correlationId: traceId, traceparent: traceparent as string }),
    });
  }
}

/** The context of the request: `@Ctx() ctx: RequestContext`. */
export const Ctx = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().ctx,
);
