import { Module } from '@nestjs/common';
import { AliasNotes } from './alias-notes.js';
import { BudgetPolicy } from './budget.policy.js';
import { ArchiveSessionHandler } from './archive-session.js';
import { CommandSessionHandler } from './command-session.js';
import { CreateSessionHandler } from './create-session.js';
import { DeleteSessionHandler } from './delete-session.js';
import { ForkSessionHandler } from './fork-session.js';
import { KeepStateHandler } from './keep-state.js';
import { ListSessionsHandler } from './list-sessions.js';
import { PinSessionHandler } from './pin-session.js';
import { Reservations } from './reservations.js';
import { ResolveSessionHandler } from './resolve-session.js';
import { ResumeSessionHandler } from './resume-session.js';
import { SessionBudgets } from './session-budgets.js';
import { SessionForks } from './session-forks.js';
import { SessionPolicy } from './session.policy.js';
import { SessionStateController } from './session-state.controller.js';
import { SessionStats } from './session-stats.js';
import { SessionSummary } from './session-summary.js';
import { SessionVerbsController } from './session-verbs.controller.js';
import { Sessions } from './sessions.js';
import { SessionsController } from './sessions.controller.js';
import { UpdateSessionHandler } from './update-session.js';

@Module({
  controllers: [SessionVerbsController, SessionsController, SessionStateController],
  providers: [
    ArchiveSessionHandler,
    CommandSessionHandler,
    CreateSessionHandler,
    DeleteSessionHandler,
    ForkSessionHandler,
    KeepStateHandler,
    ListSessionsHandler,
    PinSessionHandler,
    ResolveSessionHandler,
    ResumeSessionHandler,
    UpdateSessionHandler,
    AliasNotes,
    BudgetPolicy,
    Reservations,
    SessionBudgets,
    SessionForks,
    SessionPolicy,
    SessionStats,
    SessionSummary,
    Sessions,
  ],
  exports: [BudgetPolicy, SessionBudgets, SessionPolicy, Sessions],
})
export class SessionsModule {}
