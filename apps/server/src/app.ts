import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { authenticateRequests, isOpen, KeyRing, TokenRing } from '#access';
import { AccessLog, forgetAccesses, recordAccesses, Witness, Witnessing } from '#audit';
import { limitLargeAnswers, fastifyOptions, limitLargeBodies, ProblemError, setupHttp } from '#http';
import { InteractionSweeper } from '#interactions';
import { Listener } from '#postgres';
import { ProjectionsStatus, RebuildRequests } from '#read-models';
import { RetentionSweeper } from '#retention';
import { HostSweeper } from '#processes';
import { LeaseSweeper } from '#runs';
import { ScheduleSweeper } from '#schedules';
import { deliveriesChannel, WebhookSender } from '#webhooks';
import { AppModule, type AppOptions } from './app.module.js';
import { Core } from './core.module.js';
import { hosting } from './hosting.js';
import { JsonLogger } from './logger.js';
import { serveDocs } from './openapi.js';
import { Metrics, metricsPath } from './metrics.js';
import { Projectors } from './projectors.js';
import { limitRate } from './rate-limit.js';
import type { Settings } from './settings.js';
import { reasonOf, StartProblem } from './start-problem.js';

const sweepEvery = 600_000;
/** How long is waited for the first builds of the read models before requests are taken, in milliseconds. */
const firstBuilds = 3_000;

export interface App {
  readonly nest: NestFastifyApplication;
  /** Starts to serve. @returns the address */
  listen(): Promise<string>;
  /** Finishes the requests in flight, then stops everything. */
  close(): Promise<void>;
}

/** Puts the house together: adapters, rooms, and the roles that this process takes. */
export async function createApp(options: AppOptions): Promise<App> {
  const { settings, databaseUrl } = options;
  const { eventStoreUrl } = settings;
  const stores = { databaseUrl, ...(eventStoreUrl !== undefined && { eventStoreUrl }) };
  const core = await Core.open(stores);
  const nest = await NestFactory.create<NestFastifyApplication>(
    AppModule.of(core, options),
    new FastifyAdapter(fastifyOptions()),
    { bodyParser: false, abortOnError: false, logger: new JsonLogger(settings.logLevel) },
  );
  const fastify = nest.getHttpAdapter().getInstance();
  setupHttp(nest);
  const accesses = nest.get(AccessLog);
  recordAccesses(fastify, accesses);
  authenticateRequests(fastify, nest.get(KeyRing), settings.tokens && (await tokensOf(settings.tokens)));
  nest.get(Metrics).watch(fastify);
  if (settings.rateLimit !== undefined) await limitRate(fastify, settings.rateLimit);
  limitLargeBodies(fastify);
  limitLargeAnswers(fastify);
  if (!settings.roles.has('api')) closeApi(fastify);
  serveDocs(nest);
  const projectors = new Projectors(
    core,
    stores,
    nest.get(ProjectionsStatus).projections,
    nest.get(RebuildRequests),
  );
  const witnessing = witness(nest, databaseUrl);
  if (settings.roles.has('projector')) {
    projectors.start();
    witnessing.start();
  }
  const sweepers = [LeaseSweeper, InteractionSweeper, ScheduleSweeper, RetentionSweeper, HostSweeper].map(
    (one) => nest.get(one),
  );
  const sweeps = settings.roles.has('sweeper');
  const sweep = sweeps ? sweeping(core, settings) : undefined;
  if (sweeps) for (const sweeper of sweepers) sweeper.start();
  const host = settings.roles.has('host') ? await hosting(nest, core, settings) : undefined;
  const sending = sweeps ? sendingWebhooks(nest, databaseUrl) : undefined;
  return {
    nest,
    listen: async () => {
      await host?.start();
      // What takes longer, or does not answer, `/readyz` tells.
      await nest
        .get(ProjectionsStatus)
        .built(firstBuilds)
        .catch(() => undefined);
      await nest.listen(settings.port, settings.host);
      return (await nest.getUrl()).replace(/\/$/, '');
    },
    close: async () => {
      clearInterval(sweep);
      await Promise.all([sending?.stop(), host?.stop()]);
      await nest.close();
      await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
      await Promise.all([projectors.stop(), witnessing.stop()]);
      await accesses.flush().catch(() => undefined);
      await core.close();
    },
  };
}

/** Lets the tree of the audit grow with the events. */
function witness(nest: NestFastifyApplication, databaseUrl: string): Witnessing {
  const logger = new Logger('Witness');
  return new Witnessing(nest.get(Witness), databaseUrl, (error) => {
    logger.error(`The tree of the audit does not grow: ${String(error)}; trying again`);
  });
}

/** Forgets the Idempotency-Keys, and the records of accesses, whose time is over. */
function sweeping(core: Core, { auditAccessDays }: Settings): NodeJS.Timeout {
  const logger = new Logger('Sweeper');
  const sweep = (): void => {
    core.idempotency.forgetExpired().catch((error: unknown) => {
      logger.error(`Idempotency-Keys could not be swept: ${String(error)}`);
    });
    forgetAccesses(core.database, auditAccessDays).catch((error: unknown) => {
      logger.error(`Records of accesses could not be swept: ${String(error)}`);
    });
  };
  return setInterval(sweep, sweepEvery).unref();
}

/** Sends what webhooks are to get, woken by the transactions that make deliveries. */
function sendingWebhooks(nest: NestFastifyApplication, databaseUrl: string): { stop(): Promise<void> } {
  const sender = nest.get(WebhookSender);
  const listener = new Listener(databaseUrl, deliveriesChannel, () => {
    sender.wake();
  });
  sender.start();
  return {
    stop: async () => {
      await Promise.all([listener.close(), sender.stop()]);
    },
  };
}

/** A process without the role `api` tells of its health and its figures, and of nothing else. */
function closeApi(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const own = isOpen(request) || request.routeOptions.url === metricsPath;
    done(own ? undefined : new ProblemError('not_found', 'This process does not serve the API.'));
  });
}

/** @throws StartProblem when the file of the issuer's keys cannot be read or understood */
async function tokensOf(issuer: NonNullable<Settings['tokens']>): Promise<TokenRing> {
  try {
    return await TokenRing.of(issuer);
  } catch (error) {
    throw new StartProblem(`JWT_JWKS, ${issuer.jwks}, cannot be used: ${reasonOf(error)}.`);
  }
}
