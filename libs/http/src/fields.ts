import { applyDecorators } from '@nestjs/common';
import { DECORATORS } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  ValidateBy,
  ValidateIf,
  type ValidationOptions,
} from 'class-validator';
import { metadataBytes } from '#eventsourcing';
import { note } from './field-notes.js';
import { hasAtMost, isObject, isTime, isUuid } from './forms.js';

const digits = /^-?\d{1,16}$/;

/** What of a rule can be said in JSON Schema. */
type Keywords = Readonly<Record<string, string | number | boolean | undefined>>;

/** Adds to what the OpenAPI document says of a field, which Nest's plugin takes from its type alone. */
const says =
  (keywords: Keywords): PropertyDecorator =>
  (target, property) => {
    const said = Reflect.getMetadata(DECORATORS.API_MODEL_PROPERTIES, target, property) as object | undefined;
    Reflect.defineMetadata(DECORATORS.API_MODEL_PROPERTIES, { ...said, ...keywords }, target, property);
  };

/** A check of one value; `must` says the rule, as in `title must be ...`. */
const is = (
  name: string,
  must: string,
  holds: (value: unknown) => boolean,
  options?: ValidationOptions,
  keywords: Keywords = {},
): PropertyDecorator =>
  applyDecorators(
    ValidateBy(
      { name, validator: { validate: holds, defaultMessage: () => `$property must ${must}` } },
      options,
    ),
    // What holds for each member does not hold for the list.
    says(options?.each === true ? {} : keywords),
  );

/** A text of at most `most` characters (code points). */
export const IsText = (
  most = 1_000,
  { least = 0, ...options }: ValidationOptions & { least?: number } = {},
): PropertyDecorator =>
  is(
    'isText',
    `be a text of ${least > 0 ? `${least} to` : 'at most'} ${most} characters`,
    (value) => typeof value === 'string' && value.length >= least && hasAtMost(value, most),
    options,
    { minLength: least > 0 ? least : undefined, maxLength: most },
  );

/** A text of a form; `must` says it in words. */
export const IsForm = (form: RegExp, must: string, options?: ValidationOptions): PropertyDecorator =>
  is('isForm', must, (value) => typeof value === 'string' && form.test(value), options, {
    pattern: form.source,
  });

/** A lower-case UUID. */
export const IsUuid = (options?: ValidationOptions): PropertyDecorator =>
  is('isUuid', 'be a lower-case UUID', isUuid, options, { format: 'uuid' });

/** A time by RFC 3339, with its zone. */
export const IsRfc3339 = (options?: ValidationOptions): PropertyDecorator =>
  is('isRfc3339', 'be a time by RFC 3339, such as 2026-01-02T03:04:05.678Z', isTime, options, {
    format: 'date-time',
  });

/** A sequence number of a feed, or a time by RFC 3339. */
export const IsMoment = (): PropertyDecorator =>
  is(
    'isMoment',
    'be a sequence number, or a time by RFC 3339',
    (value) => isTime(value) || (typeof value === 'string' && /^\d{1,15}$/.test(value)),
  );

/** The field may be left out; unlike that of `IsOptional`, its null is a value. */
export const MayBeAbsent = (): PropertyDecorator =>
  ValidateIf((_object: object, value) => value !== undefined);

/** Any JSON value, null too; it must be there unless the field is optional. */
export const IsJson = (): PropertyDecorator => is('isJson', 'be there', (value) => value !== undefined);

export const IsJsonObject = (): PropertyDecorator => is('isJsonObject', 'be a JSON object', isObject);

/** A JSON object of at most 64 KiB as JSON text. */
export const IsMetadata = (): PropertyDecorator =>
  is(
    'isMetadata',
    `be a JSON object of at most ${metadataBytes} bytes (64 KiB)`,
    (value) => isObject(value) && Buffer.byteLength(JSON.stringify(value)) <= metadataBytes,
  );

/** At most 100 tags of 1 to 200 characters. */
export const IsTags = (): PropertyDecorator =>
  applyDecorators(
    IsText(200, { least: 1, each: true }),
    ArrayMaxSize(100, { message: '$property must have at most 100 members' }),
    IsArray({ message: '$property must be a list of texts' }),
    says({ maxItems: 100 }),
  );

/** A whole number; in a query, its decimal digits. */
export const IsWhole = (least: number, most = Number.MAX_SAFE_INTEGER): PropertyDecorator =>
  applyDecorators(
    note({ fromText: (value) => (typeof value === 'string' && digits.test(value) ? Number(value) : value) }),
    is(
      'isWhole',
      `be a whole number from ${least} to ${most}`,
      (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
      {},
      { type: 'integer', minimum: least, maximum: most },
    ),
  );

/** A number above `bound`, in parts too, and at most `most`. */
export const IsMoreThan = (bound: number, most: number): PropertyDecorator =>
  is(
    'isMoreThan',
    `be a number more than ${bound}, and at most ${most}`,
    (value) => typeof value === 'number' && value > bound && value <= most,
    {},
    { exclusiveMinimum: bound, maximum: most },
  );

/** True or false; in a query, one of these words. */
export const IsFlag = (): PropertyDecorator =>
  applyDecorators(
    note({ fromText: (value) => (value === 'true' ? true : value === 'false' ? false : value) }),
    is('isFlag', 'be true or false', (value) => typeof value === 'boolean'),
  );

/** Words that are accepted for others. */
export const statusAliases: Readonly<Record<string, string>> = { canceled: 'cancelled', queued: 'pending' };

const unaliased = (value: unknown, aliases: Readonly<Record<string, string>>): unknown =>
  typeof value === 'string' && Object.hasOwn(aliases, value) ? aliases[value] : value;

const oneOf = (words: readonly string[], options?: ValidationOptions): PropertyDecorator =>
  is('isEnumWord', `be one of ${words.join(', ')}`, (value) => words.includes(value as string), options);

/** One of some words; an alias is handed on as the word it stands for. */
export const IsEnumWord = (
  words: readonly string[],
  aliases: Readonly<Record<string, string>> = statusAliases,
): PropertyDecorator =>
  applyDecorators(note({ convert: (value) => unaliased(value, aliases) }), oneOf(words));

/** A comma list in a query, handed on as an array; its members are one of the words, or any text. */
export const IsCommaList = (
  words?: readonly string[],
  aliases: Readonly<Record<string, string>> = statusAliases,
): PropertyDecorator =>
  applyDecorators(
    note({
      fromText: (value) => {
        const texts: unknown = typeof value === 'string' ? [value] : value;
        if (!Array.isArray(texts)) return value;
        return (texts as unknown[])
          .flatMap((text) => (typeof text === 'string' ? text.split(',') : [text]))
          .map((word) => unaliased(word, aliases));
      },
    }),
    words === undefined ? IsText(200, { least: 1, each: true }) : oneOf(words, { each: true }),
    says({ explode: false }),
  );

/** A query parameter that may come several times, handed on as an array. */
export const Repeatable = (): PropertyDecorator => note({ fromText: (value) => [value].flat() });

/** Gathers the query parameters `<field>.<key>` into one object of texts by key, each of at most so many bytes. */
export const IsGathered = (most: number): PropertyDecorator => {
  const fits = (text: unknown): boolean => typeof text === 'string' && Buffer.byteLength(text) <= most;
  const must = `have a text after its dot, once each, and keys and texts of at most ${most} bytes`;
  return applyDecorators(
    note({ gathers: true, keyed: true }),
    is('isGathered', must, (value) => isObject(value) && Object.keys(value).every(fits)),
    is('isGatheredText', must, fits, { each: true }),
  );
};

/** An object of a class of its own. */
export const IsShape = (shape: () => new () => object): PropertyDecorator =>
  applyDecorators(note({ shape }), is('isShape', 'be a JSON object', isObject));

/** An object of a class whose fields are those of a query: texts, comma lists, `<field>.<key>`. */
export const IsQueryShape = (shape: () => new () => object): PropertyDecorator =>
  applyDecorators(note({ shape, asQuery: true }), is('isQueryShape', 'be a JSON object', isObject));

/** A list of objects of one class. */
export const IsListOf = (shape: () => new () => object, least = 1, most = 1_000): PropertyDecorator =>
  applyDecorators(
    note({ shape }),
    IsArray({ message: '$property must be a list' }),
    ArrayMinSize(least, { message: `$property must have ${least} to ${most} members` }),
    ArrayMaxSize(most, { message: `$property must have ${least} to ${most} members` }),
    says({ minItems: least, maxItems: most }),
  );
