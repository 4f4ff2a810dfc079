import { ValidateBy, type ValidationArguments } from 'class-validator';
import { cronFault, isTimeZone } from './due-times.decider.js';

const mostCron = 200;

/** A cron pattern. What is wrong with one is said in the fault. */
export const IsCron = (): PropertyDecorator =>
  ValidateBy({
    name: 'isCron',
    validator: {
      validate: (value) => faultOf(value) === undefined,
      defaultMessage: (args?: ValidationArguments) =>
        `$property must be a cron pattern: ${faultOf(args?.value) ?? ''}`,
    },
  });

function faultOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > mostCron) return `a text of at most ${mostCron} characters`;
  return cronFault(value);
}

/** The IANA name of a time zone. */
export const IsTimeZone = (): PropertyDecorator =>
  ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value) => typeof value === 'string' && isTimeZone(value),
      defaultMessage: () => '$property must be the IANA name of a time zone, such as Europe/Berlin',
    },
  });
