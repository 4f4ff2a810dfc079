import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiConsumes } from '@nestjs/swagger';
import type { Role } from '#eventsourcing';

/** What a route has said of itself; the hooks read it from Fastify's route options. */
export interface RouteManners {
  /** Who may make this call; nobody when it does not say. */
  readonly roles?: readonly Role[];
  /** Media types of its body; by default JSON alone. */
  readonly accepts?: readonly string[];
  /** It validates its query itself. */
  readonly query?: true;
  /** It validates its body itself. */
  readonly body?: true;
  /** It honours Idempotency-Key. */
  readonly creates?: true;
}

const { KEY } = RouteConfig({});

/** Adds to what is known of a route; `RouteConfig` itself would replace it. */
export function addManners(handler: object, manners: RouteManners): void {
  const known = Reflect.getMetadata(KEY, handler) as object | undefined;
  Reflect.defineMetadata(KEY, { ...known, ...manners }, handler);
}

/** The same from a decorator of a parameter. */
export const mannersOfParameter = (
  controller: object,
  method: string | symbol | undefined,
  manners: RouteManners,
): void => {
  if (method !== undefined)
    addManners((controller as Record<string | symbol, object>)[method] ?? {}, manners);
};

/** Says which media types a route takes, in place of JSON; name `application/json` too where it stays welcome. */
export const Accepts =
  (...accepts: readonly string[]): MethodDecorator =>
  (target, key, descriptor) => {
    addManners(descriptor.value as object, { accepts });
    ApiConsumes(...accepts)(target, key, descriptor);
  };
