import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Principal } from '#eventsourcing';
import { ProblemError, type RouteManners } from '#http';
import type { KeyRing } from './key-ring.js';
import type { TokenRing } from './token-ring.js';

const bearer = /^bearer +([\x21-\x7e]{1,8192}) *$/i;
/** A JWT has three parts; a key has no dot in it. */
const isToken = (key: string): boolean => key.split('.').length === 3;
const openRoutes = /^\/(healthz|readyz|openapi\.json|docs(\/.*)?)$/;

/** Whether a route asks for no key: health, and the description of the API. Anything that is no route is closed. */
export const isOpen = ({ routeOptions }: FastifyRequest): boolean =>
  routeOptions.url !== undefined && openRoutes.test(routeOptions.url);

const refusal = (key: string | undefined): ProblemError =>
  new ProblemError(
    'unauthenticated',
    key === undefined
      ? 'This call needs the header Authorization: Bearer <API key or token>.'
      : 'The API key or token is unknown, revoked or expired.',
    { headers: { 'www-authenticate': 'Bearer' } },
  );

/** Default deny: a route that names no role is closed to everyone. @throws ProblemError forbidden */
function expectRole(request: FastifyRequest): void {
  if (request.is404 || isOpen(request)) return;
  const { role } = request.ctx.principal;
  const { roles = [] } = request.routeOptions.config as RouteManners;
  if (roles.includes(role)) return;
  throw new ProblemError('forbidden', `A caller with the role ${role} may not do this.`);
}

/**
 * Finds out who calls, and whether its role may, before a byte of the body is read, and tells the request's
 * context. To be registered behind the hook that makes the context; without it every call is unauthenticated.
 */
export function authenticateRequests(fastify: FastifyInstance, keys: KeyRing, tokens?: TokenRing): void {
  const whose = (key: string): Principal | undefined | Promise<Principal | undefined> =>
    tokens !== undefined && isToken(key) ? tokens.whose(key) : keys.whose(key);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { authorization } = request.headers;
    const key = authorization === undefined ? undefined : bearer.exec(authorization)?.[1];
    const enter = (principal: Principal | undefined): void => {
      if (principal !== undefined && key !== undefined) {
        request.ctx.principal = principal;
        request.ctx.stillValid = async () => (await whose(key)) !== undefined;
      }
      done(principal === undefined ? refusal(key) : undefined);
    };
    const principal = key === undefined ? undefined : whose(key);
    if (principal !== undefined && !(principal instanceof Promise)) enter(principal);
    else if (isOpen(request)) done();
    else if (principal === undefined) enter(undefined);
    else principal.then(enter, done);
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    try {
      expectRole(request);
      done(null, payload);
    } catch (error) {
      done(error as Error);
    }
  });
}
