import { hash } from 'node:crypto';
import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CommandSeed } from '#eventsourcing';
import type { RequestContext } from './context.js';
import { type Answer, EarlyAnswer } from './early-answer.js';
import { ProblemError } from './problems.js';
import { addManners } from './route-config.js';

const visible = /^[\x21-\x7e]{1,255}$/;
const remembered = ['content-type', 'location', 'etag', 'consistency-token'] as const;

/** What a key was first used for. */
export interface Claim {
  /** Who used it; keys of different callers are different keys. */
  readonly caller: string;
  readonly key: string;
  readonly fingerprint: string;
}

export type Begun =
  | { readonly kind: 'new' | 'recover'; readonly seed: CommandSeed }
  | { readonly kind: 'replay'; readonly answer: Answer }
  | { readonly kind: 'reused' | 'in_progress' };

/** Remembers for 24 h which command an Idempotency-Key stands for, and what it was answered. */
export abstract class IdempotencyStore {
  /** Claims a key before its command runs. `recover`: an earlier attempt may have stored its events. */
  abstract begin(claim: Claim): Promise<Begun>;
  /** The command was done and answered so. */
  abstract complete(claim: Claim, seed: CommandSeed, answer: Answer): Promise<void>;
  /** The command was refused: the key is free again. */
  abstract abandon(claim: Claim, seed: CommandSeed): Promise<void>;
  /** Nobody knows what became of the command: the next attempt goes on with the same seed. */
  abstract release(claim: Claim, seed: CommandSeed): Promise<void>;
}

/** Answers a repeated Idempotency-Key as the first time, and gives a new one's command the identity that repeats will have. */
@Injectable()
export class IdempotencyGuard implements CanActivate {
  constructor(private readonly store: IdempotencyStore) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const { ctx, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    const key = headers['idempotency-key'];
    return key === undefined ? true : this.claim(ctx, key);
  }

  private async claim(ctx: RequestContext, key: string | string[]): Promise<boolean> {
    if (typeof key !== 'string' || !visible.test(key)) {
      throw new ProblemError(
        'invalid_idempotency_key',
        'Idempotency-Key takes 1 to 255 visible ASCII characters.',
      );
    }
    const { principalId, projectId } = ctx.principal;
    const claim = { caller: `${projectId}/${principalId}`, key, fingerprint: fingerprintOf(ctx) };
    const begun = await this.store.begin(claim);
    switch (begun.kind) {
      case 'reused':
        throw new ProblemError(
          'idempotency_key_reused',
          'This key came before with another method, path or body.',
        );
      case 'in_progress':
        throw new ProblemError(
          'idempotency_key_in_progress',
          'The first request with this key is still running.',
          {
            headers: { 'retry-after': '1' },
          },
        );
      case 'replay':
        throw new EarlyAnswer({
          ...begun.answer,
          headers: { ...begun.answer.headers, 'idempotent-replayed': 'true' },
        });
      default:
        ctx.seed = begun.seed;
        ctx.remember = (answer) => this.settle(claim, begun.seed, answer, ctx.decided);
        return true;
    }
  }

  private settle(claim: Claim, seed: CommandSeed, answer: Answer, decided: boolean): Promise<void> {
    if (answer.status < 300) return this.store.complete(claim, seed, answer);
    const refused = answer.status < 500 || decided;
    return refused ? this.store.abandon(claim, seed) : this.store.release(claim, seed);
  }
}

/** On the handler of a POST that creates or adds: honours Idempotency-Key. The command must take `ctx.causation()`. */
export const Creates = (): MethodDecorator =>
  applyDecorators(
    UseGuards(IdempotencyGuard),
    (_target: object, _key: string | symbol, descriptor: PropertyDescriptor) => {
      addManners(descriptor.value as object, { creates: true });
    },
  );

function fingerprintOf({ request, rawBody }: RequestContext): string {
  const head = Buffer.from(`${request.method} ${request.url}\n`);
  return hash('sha256', rawBody === undefined ? head : Buffer.concat([head, rawBody]), 'base64url');
}

/** Remembers the answer before it leaves (a Fastify `onSend` hook of the routes that create). */
export async function rememberAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  const { remember } = request.ctx;
  if (remember !== undefined) {
    request.ctx.remember = undefined;
    const text = typeof payload === 'string' || payload === undefined || payload === null;
    // A stream cannot be replayed; a retry goes on with the same command instead.
    await remember({
      status: text ? reply.statusCode : 500,
      headers: kept(reply),
      body: text ? (payload ?? '') : '',
    });
  }
  return payload;
}

function kept(reply: FastifyReply): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of remembered) {
    const value = reply.getHeader(name);
    if (value !== undefined) headers[name] = String(value);
  }
  return headers;
}
