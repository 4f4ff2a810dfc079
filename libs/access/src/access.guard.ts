import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '#http';
import { allowedRoles } from './allow.js';
import { isOpen } from './authenticate.js';

/** Default deny: a handler that names no role is closed to everyone, but for the routes that need no key. */
@Injectable()
export class AccessGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const allowed = allowedRoles(context.getHandler());
    if (allowed.length === 0 && isOpen(request)) return true;
    const { role } = request.ctx.principal;
    if (allowed.includes(role)) return true;
    throw new ProblemError('forbidden', `A caller with the role ${role} may not do this.`);
  }
}
