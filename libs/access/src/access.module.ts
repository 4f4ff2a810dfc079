import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessWrites } from './access-writes.js';
import { AccessGuard } from './access.guard.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeys } from './api-keys.js';
import { CreateApiKeyHandler } from './create-api-key.js';
import { CreateProjectHandler } from './create-project.js';
import { bootstrapKeyToken, KeyRing } from './key-ring.js';
import { ManagedProjects } from './managed-projects.js';
import { MeController } from './me.controller.js';
import { ProjectsController } from './projects.controller.js';
import { Projects } from './projects.js';
import { RevokeApiKeyHandler } from './revoke-api-key.js';

/**
 * Keys, roles and projects, and the guard that closes every handler without `@Allow`. Takes
 * `Streams`, `Database` and `ReadModelClock` from a global module; the application also calls
 * `authenticateRequests(fastify, app.get(KeyRing))` after `setupHttp(app)`.
 */
@Module({})
export class AccessModule {
  static with(bootstrapKey: string): DynamicModule {
    return {
      module: AccessModule,
      imports: [CqrsModule],
      controllers: [MeController, ProjectsController, ApiKeysController],
      providers: [
        { provide: bootstrapKeyToken, useValue: bootstrapKey },
        { provide: APP_GUARD, useClass: AccessGuard },
        KeyRing,
        AccessWrites,
        ManagedProjects,
        Projects,
        ApiKeys,
        CreateProjectHandler,
        CreateApiKeyHandler,
        RevokeApiKeyHandler,
      ],
      exports: [KeyRing],
    };
  }
}
