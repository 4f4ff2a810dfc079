import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, type ApiResponseOptions, getSchemaPath } from '@nestjs/swagger';

/** Says in the OpenAPI document that a route answers with a page of these, and with these headers. */
export const ApiPage = (item: Type, headers: ApiResponseOptions['headers'] = {}): MethodDecorator =>
  pageOf([item], { $ref: getSchemaPath(item) }, headers);

/** The same of a page whose members are of one class or of another, as the query asks. */
export const ApiPageOfEither = (...items: readonly Type[]): MethodDecorator =>
  pageOf(items, { anyOf: items.map((item) => ({ $ref: getSchemaPath(item) })) });

const pageOf = (
  models: readonly Type[],
  items: { $ref: string } | { anyOf: { $ref: string }[] },
  headers: ApiResponseOptions['headers'] = {},
): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(...models),
    ApiOkResponse({
      headers,
      schema: {
        type: 'object',
        required: ['data', 'next_cursor'],
        properties: {
          data: { type: 'array', items },
          next_cursor: { type: 'string', nullable: true },
        },
      },
    }),
  );
