import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import type { LogLevel } from './settings.js';

/** Nest's log lines as pino's JSON, on standard error: standard output is for the person who starts us. */
export class JsonLogger implements LoggerService {
  private readonly pino: Logger;

  constructor(level: LogLevel) {
    this.pino = pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
  }

  log(message: unknown, ...rest: unknown[]): void {
    // What Nest tells of its own start is of use to nobody who runs the service.
    if (nestsOwn.has(rest.at(-1))) this.pino.debug(fields(rest), String(message));
    else this.pino.info(fields(rest), String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.pino.error(fields(rest), String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.pino.warn(fields(rest), String(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.pino.debug(fields(rest), String(message));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.pino.trace(fields(rest), String(message));
  }
}

const nestsOwn = new Set<unknown>([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest hands on what belongs to a line as loose values, its context last. */
function fields(rest: readonly unknown[]): Record<string, unknown> {
  const context = rest.at(-1);
  const more = rest.slice(0, -1);
  return {
    ...(typeof context === 'string' && { context }),
    ...(more.length > 0 && { details: more.map((one) => (one instanceof Error ? one.stack : one)) }),
  };
}
