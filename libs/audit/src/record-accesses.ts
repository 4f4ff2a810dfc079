import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOpen } from '#access';
import type { AccessLog } from './access-log.js';

/** Ids and names that stand in a path; anything else is not worth keeping, and may be anything. */
const plain = /^[\w.:@-]{1,128}$/;

/**
 * Records every request that reads, or is refused; commands that are carried out are told by their events.
 * To be called behind `setupHttp` and before `authenticateRequests`, so that who is unknown is recorded too.
 */
export function recordAccesses(fastify: FastifyInstance, log: AccessLog): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (isOpen(request)) {
      done();
      return;
    }
    request.ctx.opened = () => {
      log.record(accessOf(request, reply));
    };
    const room = log.room();
    if (room === undefined) done();
    else {
      room.then(() => {
        done();
      }, done);
    }
  });
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    // A client that has broken the connection off may be answered twice: it is recorded once.
    const { ctx } = request;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (reads || reply.statusCode >= 400) ctx.opened?.();
    ctx.opened = undefined;
    done();
  });
}

function accessOf(request: FastifyRequest, reply: FastifyReply) {
  const { ctx, params, routeOptions } = request;
  const principal = ctx.knownPrincipal;
  const [resource] = Object.values((params ?? {}) as Record<string, string>);
  return {
    at: Date.now(),
    project_id: principal?.projectId,
    principal_id: principal?.principalId,
    method: request.method,
    route: routeOptions.url ?? 'unknown',
    resource_id: resource !== undefined && plain.test(resource) ? resource : undefined,
    status: reply.statusCode,
    code: ctx.refusal,
    request_id: request.id,
  };
}
