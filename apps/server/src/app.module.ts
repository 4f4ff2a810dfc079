import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessModule } from '#access';
import { AuditModule, signingKey } from '#audit';
import { ExportsModule } from '#exports';
import { InteractionPolicy, InteractionsModule } from '#interactions';
import { LogsModule, RetainedLogs } from '#logs';
import { MountsModule } from '#mounts';
import { ProjectionsModule } from '#projections';
import { type Projection, ProjectionsStatus } from '#read-models';
import { RetentionModule } from '#retention';
import { ProcessesModule, ProcessPolicy, RetainedOutput } from '#processes';
import { RunPolicy, RunsModule } from '#runs';
import { SchedulePolicy, SchedulesModule } from '#schedules';
import { BudgetPolicy, SessionPolicy, SessionsModule } from '#sessions';
import { TimelineModule } from '#timeline';
import { RetainedTranscripts, TranscriptPolicy, TranscriptsModule } from '#transcripts';
import { WebhookPolicy, WebhookSettings, WebhooksModule } from '#webhooks';
import { Core, CoreModule } from './core.module.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { OperationsController } from './operations.controller.js';
import { readModels } from './read-models.js';
import type { Settings } from './settings.js';
import { reasonOf, StartProblem } from './start-problem.js';

export interface AppOptions {
  readonly settings: Settings;
  readonly databaseUrl: string;
  readonly bootstrapKey: string;
  /** More modules than the product has; the benchmarks add their reference routes so. */
  readonly modules?: readonly Type[];
}

@Global()
@Module({ controllers: [HealthController, MetricsController, OperationsController] })
export class AppModule {
  static of(core: Core, { settings, bootstrapKey, modules = [] }: AppOptions): DynamicModule {
    const status = {
      provide: ProjectionsStatus,
      inject: [
        SessionPolicy,
        BudgetPolicy,
        RunPolicy,
        TranscriptPolicy,
        InteractionPolicy,
        WebhookPolicy,
        ProcessPolicy,
        SchedulePolicy,
      ],
      useFactory: (...policies: Projection[]) =>
        new ProjectionsStatus(core.database, core.store, [...readModels(), ...policies]),
    };
    return {
      module: AppModule,
      imports: [
        CoreModule.of(core),
        CqrsModule.forRoot(),
        AccessModule.with(bootstrapKey),
        SessionsModule,
        RunsModule,
        LogsModule,
        TimelineModule,
        TranscriptsModule,
        ProjectionsModule,
        RetentionModule.over({
          intervalMs: settings.retentionIntervalMs,
          archiveUrl: settings.archiveUrl ?? pathToFileURL(join(settings.dataDir, 'archive')).href,
          rooms: [LogsModule, TranscriptsModule, ProcessesModule],
          contents: [RetainedLogs, RetainedTranscripts, RetainedOutput],
        }),
        ProcessesModule,
        InteractionsModule,
        SchedulesModule,
        MountsModule,
        ExportsModule,
        WebhooksModule.with(new WebhookSettings(settings.webhooksAllowPrivate)),
        AuditModule.with(auditKey(settings)),
        ...modules,
      ],
      providers: [status, Metrics],
      exports: [status],
    };
  }
}

function auditKey({ auditKeyFile }: Settings): KeyObject {
  try {
    return signingKey(auditKeyFile);
  } catch (error) {
    throw new StartProblem(`AUDIT_KEY_FILE, ${auditKeyFile}, cannot be used: ${reasonOf(error)}.`);
  }
}
