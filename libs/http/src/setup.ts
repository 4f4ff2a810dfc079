import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest, FastifyServerOptions } from 'fastify';
import { registerBodyParsers } from './body.js';
import { closingOf } from './closing.js';
import { positionOf } from './consistency.js';
import { RequestContext, type Written } from './context.js';
import { rememberAnswer } from './idempotency.js';
import { ProblemFilter, refuseByParser, refuseByRouter } from './problem.filter.js';
import { bodyLimit, ProblemError } from './problems.js';
import type { RouteManners } from './route-config.js';
import { requestId } from './tracing.js';
import { refuseUndeclaredBody, refuseUndeclaredQuery } from './validate.js';

/** Options of the Fastify adapter: `new FastifyAdapter(fastifyOptions())`. */
export const fastifyOptions = () =>
  ({
    bodyLimit,
    trustProxy: false,
    genReqId: requestId,
    frameworkErrors: refuseByRouter,
    clientErrorHandler: refuseByParser,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    // What still comes while the server stops is served: Fastify's own refusal is no problem document.
    return503OnClosing: false,
    // Hooks do what middleware would; without it every request saves a hook.
    skipMiddie: true,
    routerOptions: { maxParamLength: 500 },
  }) satisfies FastifyServerOptions & { skipMiddie: boolean };

/** Gives an application its manners. Call it once, before `init` or `listen`. */
export function setupHttp(app: NestFastifyApplication): void {
  // Nest registers its own parsers only once; from then on there are ours alone.
  app.getHttpAdapter().registerParserMiddleware();
  const fastify = app.getHttpAdapter().getInstance();
  const written: Written = { position: undefined };
  const known: KnownPath[] = [];
  const closing = closingOf(fastify);
  app.useGlobalFilters(new ProblemFilter());
  registerBodyParsers(fastify);
  fastify.decorateRequest('ctx');
  fastify.addHook('onRequest', (request, reply, done) => {
    request.ctx = new RequestContext(request, reply, written, closing);
    void reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('preHandler', (request, _reply, done) => {
    try {
      if (request.is404) refuseMethod(request, known);
      takeConsistencyToken(request.ctx);
      if (request.url.includes('?')) refuseUndeclaredQuery(request);
      refuseUndeclaredBody(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.addHook('onRoute', (route) => {
    known.push({ path: pathOf(route.url), methods: [route.method].flat() });
    if ((route.config as RouteManners | undefined)?.creates === true) route.onSend = rememberAnswer;
  });
}

/** What the router, which looks among the routes of one method, does not say: the methods that a path has. */
interface KnownPath {
  readonly path: RegExp;
  readonly methods: readonly string[];
}

/** The paths that a route's pattern stands for. */
const pathOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`);

/** Refuses a known path that no route has with this method. @throws ProblemError method_not_allowed */
function refuseMethod({ url, method }: FastifyRequest, known: readonly KnownPath[]): void {
  const [asked = ''] = url.split('?', 1);
  const methods = new Set(known.flatMap(({ path, methods }) => (path.test(asked) ? methods : [])));
  if (methods.size === 0) return;
  const allow = [...methods].sort().join(', ');
  throw new ProblemError('method_not_allowed', `${method} is not known here; the resource has ${allow}.`, {
    headers: { allow },
  });
}

/** Every read takes a token, by header or by query, so that no route has to declare it. */
function takeConsistencyToken(ctx: RequestContext): void {
  const { request } = ctx;
  if (request.method !== 'GET' && request.method !== 'HEAD') return;
  const query = request.query as Record<string, string | string[] | undefined>;
  const token = request.headers['consistency-token'] ?? query['consistency_token'];
  delete query['consistency_token'];
  if (token !== undefined) ctx.mustReach = positionOf(String(token));
}
