import { SetMetadata } from '@nestjs/common';
import type { Role } from '#eventsourcing';

export const allowKey = 'runledger:allow';

/** Which roles may make this call. A handler without it is closed to everyone. */
export const Allow = (...allowed: readonly Role[]): MethodDecorator =>
  SetMetadata(allowKey, new Set(allowed));
