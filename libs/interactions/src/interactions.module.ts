import { Module } from '@nestjs/common';
import { Authority } from '#access';
import { CancelInteractionHandler } from './cancel-interaction.js';
import { InteractionChanges } from './interaction-changes.js';
import { InteractionNotes } from './interaction-notes.js';
import { InteractionPolicy } from './interaction.policy.js';
import { InteractionSweeper } from './interaction-sweeper.js';
import { InteractionsController } from './interactions.controller.js';
import { ListInteractionsHandler } from './list-interactions.js';
import { RequestInteractionHandler } from './request-interaction.js';
import { ResolveInteractionHandler } from './resolve-interaction.js';
import { RespondInteractionHandler } from './respond-interaction.js';

/** Questions of agents; the application starts and stops the `InteractionSweeper`. */
@Module({
  controllers: [InteractionsController],
  providers: [
    Authority,
    CancelInteractionHandler,
    InteractionChanges,
    InteractionNotes,
    InteractionPolicy,
    InteractionSweeper,
    ListInteractionsHandler,
    RequestInteractionHandler,
    ResolveInteractionHandler,
    RespondInteractionHandler,
  ],
  exports: [InteractionPolicy, InteractionSweeper],
})
export class InteractionsModule {}
