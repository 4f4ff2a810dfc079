import type { Role } from '#eventsourcing';

const allowKey = Symbol('runledger:allow');

/** Which roles may make this call. A handler without it is closed to everyone. */
export const Allow =
  (...allowed: readonly Role[]): MethodDecorator =>
  (_target, _key, descriptor) => {
    Reflect.defineMetadata(allowKey, allowed, descriptor.value as object);
  };

/** The roles that may call a handler; none when it does not say. */
export const allowedRoles = (handler: object): readonly Role[] =>
  (Reflect.getMetadata(allowKey, handler) as readonly Role[] | undefined) ?? [];
