import { Module } from '@nestjs/common';
import { SessionsModule } from '#sessions';
import { TranscriptsModule } from '#transcripts';
import { ExportsController } from './exports.controller.js';
import { SessionExport } from './session-export.js';

/** Takes what a session holds out of all rooms. */
@Module({
  imports: [SessionsModule, TranscriptsModule],
  controllers: [ExportsController],
  providers: [SessionExport],
})
export class ExportsModule {}
