import { applyDecorators } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import type { RequestContext } from './context.js';
import { cursorAfter, type CursorKey } from './cursor.js';
import { IsText, IsWhole } from './fields.js';

export type Order = 'asc' | 'desc';

export const IsPageLimit = (): PropertyDecorator => IsWhole(1, 100);
export const IsPageCursor = (): PropertyDecorator => applyDecorators(IsOptional(), IsText(2_000));
export const IsPageOrder = (): PropertyDecorator =>
  applyDecorators(IsOptional(), IsIn(['asc', 'desc'], { message: 'order must be asc or desc' }));

/** What every list takes; a list adds its filters by extending it. */
export class PageQuery {
  @IsPageLimit()
  limit: number = 20;

  @IsPageCursor()
  cursor?: string;

  /** When absent, the list's own default. */
  @IsPageOrder()
  order?: Order;
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

/** One page of a list. @param lastKeys keys of its last item; undefined when nothing follows */
export const page = <T>(
  ctx: RequestContext,
  data: readonly T[],
  lastKeys: readonly CursorKey[] | undefined,
): Page<T> => ({ data, next_cursor: lastKeys === undefined ? null : cursorAfter(ctx, lastKeys) });
