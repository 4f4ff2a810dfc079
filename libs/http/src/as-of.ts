import { IsOptional } from 'class-validator';
import { IsMoment } from './fields.js';
import { isTime } from './forms.js';

/** The query of a read that can be asked for the past. */
export class AsOfQuery {
  /** A sequence number of the resource's feed, or a time by RFC 3339: the state right after it. */
  @IsOptional()
  @IsMoment()
  as_of?: string;
}

/** Whether an event with this number in the feed, made at this time, had happened by then. */
export type AsOf = (sequence: number, at: string) => boolean;

/** The moment that a query names; undefined when it means now. */
export function asOf({ as_of }: AsOfQuery): AsOf | undefined {
  if (as_of === undefined) return undefined;
  if (!isTime(as_of)) {
    const last = Number(as_of);
    return (sequence) => sequence <= last;
  }
  const time = Date.parse(as_of);
  return (_sequence, at) => Date.parse(at) <= time;
}
