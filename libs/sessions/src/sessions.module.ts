import { Module } from '@nestjs/common';
import { CreateSessionHandler } from './create-session.js';
import { DeleteSessionHandler } from './delete-session.js';
import { ListSessionsHandler } from './list-sessions.js';
import { Reservations } from './reservations.js';
import { SessionPolicy } from './session.policy.js';
import { Sessions } from './sessions.js';
import { SessionsController } from './sessions.controller.js';
import { UpdateSessionHandler } from './update-session.js';

@Module({
  controllers: [SessionsController],
  providers: [
    CreateSessionHandler,
    DeleteSessionHandler,
    ListSessionsHandler,
    UpdateSessionHandler,
    Reservations,
    SessionPolicy,
    Sessions,
  ],
  exports: [SessionPolicy, Sessions],
})
export class SessionsModule {}
