import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

interface Schema {
  readonly $ref?: string;
  readonly enum?: unknown[];
  readonly properties?: Readonly<Record<string, object>>;
}

interface Parameter {
  readonly name: string;
  readonly schema: { readonly type?: unknown };
  readonly explode?: boolean;
  readonly required?: boolean;
}

interface Document {
  readonly paths: Record<
    string,
    Record<string, { readonly responses: Record<string, Answer>; readonly parameters?: readonly Parameter[] }>
  >;
  readonly components: {
    readonly schemas: Record<string, Schema>;
    readonly responses: Record<string, { readonly headers: Record<string, object> }>;
  };
}

interface Answer {
  readonly description?: string;
  readonly content?: Record<string, { readonly schema?: Schema }>;
  readonly headers?: Readonly<Record<string, object>>;
}

const document = JSON.parse(readFileSync('openapi.json', 'utf8')) as Document;

test('each schema says what is in it', () => {
  const empty = Object.entries(document.components.schemas).filter(
    ([, { properties, enum: words }]) => words === undefined && Object.keys(properties ?? {}).length === 0,
  );
  expect(empty.map(([name]) => name)).toEqual([]);
});

const answers = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { responses }]) =>
    Object.entries(responses).map(([status, answer]) => ({
      name: `${method.toUpperCase()} ${path} ${status}`,
      status,
      answer,
    })),
  ),
);

test('each answer that has a body says of what kind', () => {
  const untold = answers.filter(({ status, answer }) => {
    if (!status.startsWith('2') || status === '204') return false;
    const json = answer.content?.['application/json'];
    if (json === undefined) return answer.content === undefined;
    return json.schema?.$ref === undefined && json.schema?.properties === undefined;
  });
  expect(untold.map(({ name }) => name)).toEqual([]);
});

test('each answer says what it means', () => {
  const untold = answers.filter(({ status, answer }) => status !== 'default' && !answer.description);
  expect(untold.map(({ name }) => name)).toEqual([]);
});

test('a refusal says which headers tell when to come again', () => {
  const headers = ['Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];
  expect(Object.keys(document.components.responses['Problem']?.headers ?? {})).toEqual(
    expect.arrayContaining(headers),
  );
});

test('an answer has the headers that it says', () => {
  const headersOf = (path: string, method: string, status = '200'): string[] =>
    Object.keys(document.paths[path]?.[method]?.responses[status]?.headers ?? {}).sort();
  expect(headersOf('/v1/retention/preview', 'post')).toEqual(['X-Request-Id']);
  expect(headersOf('/v1/audit/receipts/{position}', 'get')).toEqual(['X-Request-Id']);
  expect(headersOf('/v1/processes/{id}/wait', 'get', '202')).toEqual(['ETag', 'X-Request-Id']);
  expect(headersOf('/v1/sessions/{id}/export', 'get')).toEqual(['Content-Disposition', 'X-Request-Id']);
  expect(document.components.responses['Problem']?.headers).toHaveProperty('Accept-Encoding');
});

test('who has read is told in other words than what has changed', () => {
  for (const path of ['/v1/runs/{id}/audit', '/v1/sessions/{id}/audit']) {
    const page = document.paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema;
    const either = ['Change', 'Access'].map((name) => ({ $ref: `#/components/schemas/${name}` }));
    expect(page?.properties).toMatchObject({ data: { items: { anyOf: either } } });
  }
});

test('what must be asked for is told', () => {
  const { parameters = [] } = document.paths['/v1/mounts']?.['get'] ?? {};
  expect(parameters.filter(({ required }) => required === true).map(({ name }) => name)).toEqual([
    'session_id',
  ]);
});

test('what is checked of a field is told', () => {
  const { parameters } = document.paths['/v1/runs']?.['get'] ?? {};
  const told = Object.fromEntries((parameters ?? []).map(({ name, schema }) => [name, schema]));
  expect(told).toMatchObject({
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    session_id: { type: 'string', format: 'uuid' },
    created_after: { type: 'string', format: 'date-time' },
  });
  const { CreateSessionBody, NewSegmentBody, Run } = document.components.schemas;
  expect(CreateSessionBody?.properties).toMatchObject({
    title: { type: ['string', 'null'], maxLength: 1_000 },
    tags: { maxItems: 100 },
  });
  const { BudgetBody, LimitsBody } = document.components.schemas;
  expect(BudgetBody?.properties?.['max_cost_usd']).toMatchObject({ exclusiveMinimum: 0, maximum: 1e9 });
  expect(BudgetBody?.properties?.['max_cost_usd']).not.toHaveProperty('minimum');
  expect(LimitsBody?.properties).toMatchObject({ cpu_cores: { minimum: 0.01, maximum: 1_024 } });
  expect(NewSegmentBody?.properties).toMatchObject({ role: { pattern: '^[A-Za-z0-9_.-]{1,64}$' } });
  expect(Run?.properties).toMatchObject({
    revision: { type: 'integer' },
    ended_at: { type: ['string', 'null'], format: 'date-time' },
  });
});

test('a query says which lists are written with commas, and what stands in names', () => {
  const lists = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.values(operations).flatMap(({ parameters = [] }) =>
      parameters.flatMap(({ name, schema, explode }) =>
        schema.type === 'array' && explode !== false ? [`${path} ${name}`] : [],
      ),
    ),
  );
  expect(lists).toEqual(['/v1/sessions tag', '/v1/sessions/{id}/sessions tag']);
  const { parameters = [] } = document.paths['/v1/runs']?.['get'] ?? {};
  expect(parameters.find(({ name }) => name === 'metadata')?.schema).toEqual({
    type: 'object',
    patternProperties: { '^metadata\\.': { type: 'string' } },
    additionalProperties: false,
  });
  expect(document.components.schemas['RunFilter']?.properties).toMatchObject({
    status: { oneOf: [{ type: 'string' }, { type: 'array' }, { type: 'null' }] },
  });
});

test('a body says that it takes no other fields', () => {
  const { CreateRunBody, RunErrorBody, NewLogEntry, Run, RunFilter } = document.components.schemas;
  for (const body of [CreateRunBody, RunErrorBody, NewLogEntry]) {
    expect(body).toMatchObject({ additionalProperties: false });
  }
  expect(RunFilter).toMatchObject({ additionalProperties: false, patternProperties: { '^metadata\\.': {} } });
  expect(Run).not.toHaveProperty('additionalProperties');
});

test('a line of a log says what its level and time look like', () => {
  expect(document.components.schemas['NewLogEntry']?.properties).toMatchObject({
    level: { pattern: '^[A-Za-z0-9_.-]{1,32}$' },
    ts: { format: 'date-time' },
  });
});

test('numbers are whole, but for money and shares of a core', () => {
  const numbers = [...JSON.stringify(document).matchAll(/"(\w+)":\{[^{}]*"type":(?:"number"|\["number")/g)];
  expect([...new Set(numbers.map(([, name]) => name))].sort()).toEqual([
    'cost_usd',
    'cpu_cores',
    'max_cost_usd',
    'used_cost_usd',
  ]);
});

test('what may be any JSON is no object, and what may be null says so', () => {
  const { CreateRunBody, CreateSessionBody, NewSegmentBody, Run, Session } = document.components.schemas;
  const shown = [
    CreateRunBody?.properties?.['input'],
    NewSegmentBody?.properties?.['content'],
    Run?.properties?.['output'],
  ];
  for (const field of shown) expect(field).not.toHaveProperty('type');
  expect(CreateSessionBody?.properties?.['tools']).toMatchObject({ type: ['array', 'null'], items: {} });
  const orNull = (name: string) => ({ anyOf: [{ $ref: `#/components/schemas/${name}` }, { type: 'null' }] });
  expect(Run?.properties).toMatchObject({
    status_reason: orNull('StatusReason'),
    error: orNull('RunError'),
    usage: orNull('Usage'),
  });
  expect(Session?.properties).toMatchObject({
    forked_from: orNull('ForkedFrom'),
    network_access: orNull('NetworkAccess'),
  });
  const { InitialFile, InitialFileBody, RunFilter } = document.components.schemas;
  for (const file of [InitialFile, InitialFileBody]) {
    expect(file?.properties).toMatchObject({
      encoding: { type: ['string', 'null'], enum: ['base64', null, 'text'] },
      is_readonly: { type: ['boolean', 'null'] },
    });
  }
  expect(RunFilter?.properties).toMatchObject({
    task_id: { type: ['string', 'null'] },
    metadata: { type: ['object', 'null'] },
  });
});

test('the patterns of a webhook are a text, or a list', () => {
  const { event_pattern } = document.components.schemas['CreateWebhookBody']?.properties ?? {};
  expect(event_pattern).not.toHaveProperty('type');
  expect(event_pattern).toMatchObject({ oneOf: [{ type: 'string' }, { type: 'array' }] });
});
