import { Body, type PipeTransform, type ArgumentMetadata, Query } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { carryOut, type Report, shapedObject } from './carry-out.js';
import { planOf, type Shape } from './plan.js';
import { type Fault, ProblemError } from './problems.js';
import { mannersOfParameter, type RouteManners } from './route-config.js';

/** More rows than these help nobody. */
const mostFaults = 100;

class BodyPipe implements PipeTransform<unknown, object> {
  transform(value: unknown, { metatype }: ArgumentMetadata): object {
    return validBody(metatype as Shape, value);
  }
}

class QueryPipe implements PipeTransform<Record<string, unknown>, object> {
  transform(value: Record<string, unknown>, { metatype }: ArgumentMetadata): object {
    return validQuery(metatype as Shape, value);
  }
}

const bodyPipe = new BodyPipe();
const queryPipe = new QueryPipe();

/** The validated body, an instance of the parameter's class; no body at all counts as `{}`. */
export const ValidBody = (): ParameterDecorator => (target, key, index) => {
  mannersOfParameter(target, key, { body: true });
  Body(bodyPipe)(target, key, index);
};

/** The validated query, an instance of the parameter's class. */
export const ValidQuery = (): ParameterDecorator => (target, key, index) => {
  mannersOfParameter(target, key, { query: true });
  Query(queryPipe)(target, key, index);
};

/** @throws ProblemError validation_failed with a row for every fault */
export function validBody<T extends object>(shape: new () => T, value: unknown): T {
  const faults: Fault[] = [];
  const report: Report = (pointer, detail) => faults.push({ pointer, detail });
  const result = shapedObject(planOf(shape), value === undefined ? {} : value, '', report);
  refuseFaults(faults);
  return result as T;
}

/** @throws ProblemError validation_failed with a row for every fault */
export function validQuery<T extends object>(shape: new () => T, query: Record<string, unknown>): T {
  const faults: Fault[] = [];
  const plan = planOf(shape);
  const report: Report = (pointer, detail) => faults.push({ parameter: parameterAt(pointer), detail });
  refuseFaults(nulIn(query));
  const result = carryOut(plan, query, '', report, true);
  refuseFaults(faults);
  return result as T;
}

/** Refuses every parameter of a route that declares none. @throws ProblemError validation_failed */
export function refuseUndeclaredQuery(request: FastifyRequest): void {
  if ((request.routeOptions.config as RouteManners).query === true || request.is404) return;
  refuseFaults(
    Object.keys(request.query as object).map((parameter) => ({ parameter, detail: unknown(parameter) })),
  );
}

/** Refuses what is sent to a route that takes no body: who sends it expects something else. @throws ProblemError validation_failed */
export function refuseUndeclaredBody({ body, routeOptions, is404 }: FastifyRequest): void {
  const manners = routeOptions.config as RouteManners;
  if (body === undefined || manners.body === true || manners.accepts !== undefined || is404) return;
  validBody(Object, body);
}

const unknown = (parameter: string): string => `${parameter} is not known here`;

/** The parameter's name: the first step of the pointer. */
const parameterAt = (pointer: string): string =>
  (pointer.split('/', 2)[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~');

const nulIn = (query: Record<string, unknown>): Fault[] =>
  Object.entries(query)
    .filter((texts) => texts.flat().some((text) => typeof text === 'string' && text.includes('\0')))
    .map(([parameter]) => ({ parameter, detail: 'must not hold the character U+0000' }));

function refuseFaults(faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  const where = 'pointer' in first ? first.pointer || 'The body' : first.parameter;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  throw new ProblemError('validation_failed', `${where}: ${first.detail}${more}.`, {
    errors: faults.slice(0, mostFaults),
  });
}
