import type { Role } from '#eventsourcing';
import { addManners } from '#http';

/** Which roles may make this call. A handler without it is closed to everyone. */
export const Allow =
  (...roles: readonly Role[]): MethodDecorator =>
  (_target, _key, descriptor) => {
    addManners(descriptor.value as object, { roles });
  };
