import { type DynamicModule, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessWrites } from './access-writes.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeys } from './api-keys.js';
import { CreateApiKeyHandler } from './create-api-key.js';
import { CreateProjectHandler } from './create-project.js';
import { Authority } from './authority.js';
import { bootstrapKeyToken, KeyRing } from './key-ring.js';
import { ManagedProjects } from './managed-projects.js';
import { MeController } from './me.controller.js';
import { ProjectsController } from './projects.controller.js';
import { Projects } from './projects.js';
import { RevokeApiKeyHandler } from './revoke-api-key.js';

/**
 * Keys, roles and projects. Takes `Streams`, `Database` and `ReadModelClock` from a global module; the
 * application also calls `authenticateRequests(fastify, app.get(KeyRing))` after `setupHttp(app)`, which
 * closes every handler without `@Allow`.
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
        KeyRing,
        Authority,
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
