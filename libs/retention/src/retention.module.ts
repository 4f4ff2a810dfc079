import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { Archiver } from './archiver.js';
import { archiveAt } from './archive-at.js';
import { BatchRemoval } from './batch-removal.js';
import { ExplainRetentionHandler } from './explain-retention.js';
import { LegalHoldsController } from './legal-holds.controller.js';
import { ListHolds } from './list-holds.js';
import { ListPolicies } from './list-policies.js';
import { SweepOperations } from './sweep-operations.js';
import { PlaceHoldHandler } from './place-hold.js';
import { PoliciesController } from './policies.controller.js';
import { PreviewPolicyHandler } from './preview-policy.js';
import { ReleaseHoldHandler } from './release-hold.js';
import { RemovePolicyHandler } from './remove-policy.js';
import { RequestSweepHandler } from './request-sweep.js';
import { type RetainedContent, RetainedContents } from './retained-content.js';
import { RetentionController } from './retention.controller.js';
import { RetentionRules } from './retention-rules.js';
import { RetentionSettings } from './retention-settings.js';
import { RetentionSweeper } from './retention-sweeper.js';
import { SetPolicyHandler } from './set-policy.js';
import { Sweeps } from './sweeps.js';

/** What the rooms that keep content ask of policies and holds. */
@Global()
@Module({ providers: [RetentionRules], exports: [RetentionRules] })
export class RetentionRulesModule {}

export interface RetentionOptions {
  readonly intervalMs: number;
  /** `file://` or `s3://`. */
  readonly archiveUrl: string;
  /** The rooms that keep content, and what they implement the port with. */
  readonly rooms: readonly Type[];
  readonly contents: readonly Type<RetainedContent>[];
}

/** Policies, holds and sweeps; the application starts and stops the `RetentionSweeper` where sweeps are to be made. */
@Module({})
export class RetentionModule {
  static over({ intervalMs, archiveUrl, rooms, contents }: RetentionOptions): DynamicModule {
    return {
      module: RetentionModule,
      imports: [RetentionRulesModule, ...rooms],
      controllers: [PoliciesController, LegalHoldsController, RetentionController],
      providers: [
        { provide: RetentionSettings, useValue: new RetentionSettings(intervalMs) },
        { provide: Archiver, useFactory: async () => new Archiver(await archiveAt(archiveUrl)) },
        {
          provide: RetainedContents,
          inject: [...contents],
          useFactory: (...all: RetainedContent[]) => new RetainedContents(all),
        },
        BatchRemoval,
        ExplainRetentionHandler,
        ListHolds,
        ListPolicies,
        SweepOperations,
        PlaceHoldHandler,
        PreviewPolicyHandler,
        ReleaseHoldHandler,
        RemovePolicyHandler,
        RequestSweepHandler,
        RetentionSweeper,
        SetPolicyHandler,
        Sweeps,
      ],
      exports: [RetentionSweeper],
    };
  }
}
