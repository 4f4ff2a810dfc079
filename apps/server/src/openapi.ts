import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type Handler, handlersOf, type Operation } from './openapi-operations.js';
import { addManners, components } from './openapi-manners.js';

const description =
  'The system of record for agent work: sessions, runs and logs. Every error is an ' +
  '`application/problem+json` (RFC 9457) with a stable `code`. A read that sends the `Consistency-Token` ' +
  'of a change sees that change. Every answer carries `X-Request-Id`. Of statuses `canceled` is taken for ' +
  '`cancelled`, and `queued` for `pending`.';

interface Field {
  readonly default?: unknown;
  /** Of a comma list. */
  explode?: false;
  readonly enum?: unknown[];
  type?: string | string[];
  format?: string;
  oneOf?: object[];
  readonly properties?: object;
  additionalProperties?: unknown;
  patternProperties?: object;
}

/** All other numbers of the API are whole. */
const fractions = new Set(['cost_usd', 'max_cost_usd', 'used_cost_usd', 'cpu_cores']);

/** The parts of a schema or parameter that are mended. */
interface Readable {
  readonly enum?: unknown[];
  required?: boolean | string[];
  readonly properties?: Readonly<Record<string, Field>>;
  readonly name?: string;
  readonly in?: string;
  readonly schema?: Field;
}

/** The OpenAPI document of the routes that the application has, with what holds for all of them said on each. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Runledger')
    .setDescription(description)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key' }, 'key')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  const handlers = handlersOf(app);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of ['get', 'put', 'post', 'delete', 'patch'] as const) {
      const operation = item[method];
      if (operation !== undefined) describe(path, method, operation, handlers);
    }
  }
  document.components = {
    ...document.components,
    ...components,
    schemas: sorted({ ...document.components?.schemas, ...components.schemas }),
  };
  document.paths = sorted(document.paths);
  settle(document);
  letBodiesLack(document);
  closeBodies(document);
  return document;
}

/**
 * Mends what Nest's plugin reads from the types: what has a default need not be sent, and may be null in a body;
 * and the order of a union's members is the compiler's own, which changes with any other file.
 */
function settle(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const { enum: words, required, properties, schema, in: place, name: parameter } = node as Readable;
  if (Array.isArray(words)) words.sort();
  for (const field of Object.values(properties ?? {})) {
    if (field.default !== undefined) takeNull(field);
    if (field.explode === false) takeText(field);
  }
  if (place === 'query' && schema?.type === 'object') {
    // Its keys are sent as the names of parameters.
    schema.patternProperties = { [`^${parameter}\\.`]: schema.additionalProperties };
    schema.additionalProperties = false;
  }
  if (Array.isArray(required) && properties !== undefined) {
    (node as Readable).required = required.filter((name) => properties[name]?.default === undefined);
  }
  if (required === true && schema?.default !== undefined) (node as Readable).required = false;
  for (const [name, member] of Object.entries(node)) {
    if (typeof member === 'object' && member !== null) refine(name, member as Field);
    settle(member);
  }
}

/** Says what a type of TypeScript does not: that a number is whole, a text a time, and `Json` no object but any JSON. */
function refine(name: string, field: Field): void {
  const types = [field.type].flat();
  if (types.includes('number') && !fractions.has(name)) {
    field.type = Array.isArray(field.type) ? ['integer', 'null'] : 'integer';
  }
  if (
    types.includes('object') &&
    field.properties === undefined &&
    field.additionalProperties === undefined
  ) {
    delete field.type;
  }
  if (types.includes('string') && name.endsWith('_at')) field.format ??= 'date-time';
}

/** A body of which nothing must be there need not be sent: none counts as `{}`. */
function letBodiesLack({ paths, components: { schemas = {} } = {} }: OpenAPIObject): void {
  for (const item of Object.values(paths)) {
    for (const { requestBody } of Object.values(item) as Operation[]) {
      if (requestBody === undefined || '$ref' in requestBody) continue;
      const schema = requestBody.content['application/json']?.schema;
      const named =
        schema !== undefined && '$ref' in schema ? schemas[schema.$ref.split('/').at(-1) ?? ''] : schema;
      const required = named !== undefined && 'required' in named ? (named.required ?? []) : [];
      requestBody.required = required.length > 0;
    }
  }
}

/**
 * What a body does not know it refuses, at any depth; a filter of runs knows all fields `metadata.<key>`, and takes
 * null for absent, which the same fields of a query cannot be.
 */
function closeBodies({ paths, components: { schemas = {} } = {} }: OpenAPIObject): void {
  const closed = new Set<string>();
  const close = (node: unknown): void => {
    for (const [, name = ''] of JSON.stringify(node ?? null).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (closed.has(name)) continue;
      closed.add(name);
      const schema = schemas[name];
      if (schema !== undefined && 'properties' in schema) schema.additionalProperties = false;
      if (name === 'RunFilter' && schema !== undefined && 'properties' in schema) {
        Object.assign(schema, { patternProperties: { '^metadata\\.': { type: 'string' } } });
        for (const field of Object.values(schema.properties ?? {})) takeNull(field as Field);
      }
      close(schema);
    }
  };
  for (const item of Object.values(paths))
    for (const { requestBody } of Object.values(item) as Operation[]) close(requestBody);
}

function takeNull(field: Field): void {
  field.oneOf?.push({ type: 'null' });
  if (typeof field.type !== 'string') return;
  field.type = [field.type, 'null'];
  field.enum?.push(null);
}

/** In a body a comma list is a text as it is in a query, or the list itself. */
function takeText(field: Field): void {
  const { explode: _, ...list } = field;
  for (const name of Object.keys(field)) Reflect.deleteProperty(field, name);
  field.oneOf = [{ type: 'string' }, list];
}

function describe(
  path: string,
  method: string,
  operation: Operation,
  handlers: ReadonlyMap<string, Handler>,
): void {
  const handler = handlers.get(operation.operationId ?? '');
  if (handler !== undefined) addManners(path, method, operation, handler);
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Serves `/openapi.json`, and `/docs` with the assets of the package itself. To be called before `listen`. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Runledger API',
  });
}
