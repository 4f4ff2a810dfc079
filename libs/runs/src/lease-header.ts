import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { isUuid, ProblemError } from '#http';

const form = 'must be a lower-case UUID';

const leaseId = createParamDecorator((_data: unknown, context: ExecutionContext): string | undefined => {
  const sent = context.switchToHttp().getRequest<FastifyRequest>().headers['lease-id'];
  if (sent === undefined || isUuid(sent)) return sent;
  throw new ProblemError('validation_failed', `Lease-Id: ${form}.`, {
    errors: [{ parameter: 'Lease-Id', detail: form }],
  });
});

/** The lease that the header `Lease-Id` names, if any: give it to `expectLease`. Malformed is 400. */
export const LeaseId = (): ParameterDecorator => (target, key, index) => {
  const descriptor = key === undefined ? undefined : Object.getOwnPropertyDescriptor(target, key);
  if (key !== undefined && descriptor !== undefined) {
    const description = 'The lease of the worker that makes the change; 409 `lease_lost` when it is stale.';
    ApiHeader({ name: 'Lease-Id', required: false, description })(target, key, descriptor);
  }
  leaseId()(target, key, index);
};
