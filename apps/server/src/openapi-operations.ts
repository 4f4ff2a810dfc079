import type { INestApplication } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { RouteManners } from '#http';

export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** What the code says of one handler, beside what Nest's own scanner reads. */
export interface Handler {
  readonly roles: readonly string[];
  readonly manners: RouteManners;
}

const { KEY } = RouteConfig({});

/** The handlers of an application by operation id. */
export function handlersOf(app: INestApplication): Map<string, Handler> {
  const handlers = new Map<string, Handler>();
  const scanner = new MetadataScanner();
  for (const { controllers } of app.get(ModulesContainer).values()) {
    for (const { metatype } of controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, object>;
      for (const method of scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method];
        if (handler === undefined) continue;
        const manners = (Reflect.getMetadata(KEY, handler) ?? {}) as RouteManners;
        handlers.set(`${metatype.name.replace(/Controller$/, '')}_${method}`, {
          roles: manners.roles ?? [],
          manners,
        });
      }
    }
  }
  return handlers;
}
