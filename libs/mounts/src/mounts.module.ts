import { Module } from '@nestjs/common';
import { ChangeMountHandler } from './change-mount.js';
import { CreateMountHandler } from './create-mount.js';
import { Mounts } from './mounts.js';
import { MountsController } from './mounts.controller.js';

/** Named areas of sessions: names and pointers, no storage. */
@Module({
  controllers: [MountsController],
  providers: [ChangeMountHandler, CreateMountHandler, Mounts],
})
export class MountsModule {}
