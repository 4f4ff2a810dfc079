import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

interface Schema {
  readonly $ref?: string;
  readonly enum?: unknown[];
  readonly properties?: object;
}

interface Document {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, Answer> }>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

interface Answer {
  readonly content?: Record<string, { readonly schema?: Schema }>;
}

const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;

/** Bytes: what they mean is said in words. */
const raw = new Set(['GET /v1/processes/{id}/output']);

test('each schema says what is in it', () => {
  const empty = Object.entries(document.components.schemas).filter(
    ([, { properties, enum: words }]) => words === undefined && Object.keys(properties ?? {}).length === 0,
  );
  expect(empty.map(([name]) => name)).toEqual([]);
});

test('each answer that has a body says of what kind', () => {
  const answers = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.entries(responses).map(([status, answer]) => ({
        name: `${method.toUpperCase()} ${path}`,
        status,
        answer,
      })),
    ),
  );
  const untold = answers.filter(({ name, status, answer }) => {
    if (!status.startsWith('2') || status === '204' || raw.has(name)) return false;
    const json = answer.content?.['application/json'];
    if (json === undefined) return answer.content === undefined;
    return json.schema?.$ref === undefined && json.schema?.properties === undefined;
  });
  expect(untold.map(({ name, status }) => `${name} ${status}`)).toEqual([]);
});
