import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { EventStreams, wantsEventStream } from '#http';
import { ProjectionsStatus } from '#read-models';

/** Where a process tells what it measures of itself. */
export const metricsPath = '/metrics';

/** What this process measures of itself, in the text format of Prometheus. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'runledger_http_request_duration_seconds',
    help: 'Requests answered and how long they took, open streams left out',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [this.registry],
  });
  private readonly lagEvents = this.ofProjections(
    'lag_events',
    'Positions behind the head of the event store',
  );
  private readonly lagSeconds = this.ofProjections(
    'lag_seconds',
    'Time since it last moved, 0 when it has seen everything',
  );

  constructor(
    private readonly status: ProjectionsStatus,
    streams: EventStreams,
  ) {
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'runledger_open_streams',
      help: 'Event streams that clients have open',
      registers: [this.registry],
      collect() {
        this.set(streams.size);
      },
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Measures the answers of a server, by route: what callers write into a path makes no series of its own. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', (request, reply, done) => {
      const { method, routeOptions, ctx } = request;
      const status = reply.statusCode;
      if (status !== 200 || !wantsEventStream(ctx)) {
        this.requests.observe({ method, route: routeOptions.url ?? '', status }, reply.elapsedTime / 1000);
      }
      done();
    });
  }

  /** The figures of now. Those of the projections are missing while the databases do not answer. */
  async text(): Promise<string> {
    const projections = await this.status.all().catch(() => []);
    this.lagEvents.reset();
    this.lagSeconds.reset();
    for (const { name, lag_events, lag_ms } of projections) {
      this.lagEvents.set({ projection: name }, lag_events);
      this.lagSeconds.set({ projection: name }, lag_ms / 1000);
    }
    return this.registry.metrics();
  }

  private ofProjections(name: string, help: string): Gauge<'projection'> {
    return new Gauge({
      name: `runledger_projection_${name}`,
      help,
      labelNames: ['projection'],
      registers: [this.registry],
    });
  }
}
