import { expect, test } from '@jest/globals';
import { IsOptional } from 'class-validator';
import {
  IsCommaList,
  IsEnumWord,
  IsFlag,
  IsGathered,
  IsJson,
  IsListOf,
  IsMetadata,
  IsMoreThan,
  IsQueryShape,
  IsRfc3339,
  IsShape,
  IsTags,
  IsText,
  IsUuid,
  IsWhole,
  Repeatable,
} from './fields.js';
import { PageQuery } from './page.js';
import { ProblemError } from './problems.js';
import { validBody, validQuery } from './validate.js';

class Entry {
  @IsText(5, { least: 1 })
  message: string;

  @IsOptional()
  @IsWhole(0, 9)
  level?: number;
}

class Filter extends PageQuery {
  @IsOptional() @IsCommaList(['pending', 'cancelled']) status?: string[];
  @IsOptional() @Repeatable() @IsTags() tag?: string[];
  @IsOptional() @IsFlag() empty?: boolean;
  @IsOptional() @IsGathered(10) metadata?: Record<string, string>;
}

class Sample {
  @IsOptional() @IsText() title?: string | null;
  @IsOptional() @IsTags() tags?: string[];
  @IsOptional() @IsMetadata() metadata?: object;
  @IsOptional() @IsJson() data?: unknown;
  @IsOptional() @IsRfc3339() at?: string;
  @IsOptional() @IsUuid() id?: string;
  @IsOptional() @IsEnumWord(['pending', 'cancelled']) status?: string;
  @IsOptional() @IsListOf(() => Entry, 1, 3) entries?: Entry[];
  @IsOptional() @IsShape(() => Entry) 'a/b~c'?: Entry;
  @IsOptional() @IsMoreThan(0, 9) price?: number;
  @IsOptional() @IsQueryShape(() => Filter) filter?: Filter;
  @IsFlag() detached: boolean = false;
}

class Since {
  @IsOptional() @IsWhole(0) after_seq?: number;
}

class WideFilter extends PageQuery {
  @IsWhole(1, 10_000) override limit: number = 1_000;
}

function faultsOf(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ProblemError) return error.options.errors;
    throw error;
  }
  return [];
}

const pointersOf = (body: unknown): string[] =>
  (faultsOf(() => validBody(Sample, body)) as { pointer: string }[]).map(({ pointer }) => pointer);
const parametersOf = (query: Record<string, unknown>): string[] =>
  (faultsOf(() => validQuery(Filter, query)) as { parameter: string }[]).map(({ parameter }) => parameter);

test('a good body becomes an instance of its class, with defaults for what is absent', () => {
  const body = validBody(Sample, { title: 'x', entries: [{ message: 'm', level: 1 }], status: 'canceled' });
  expect(body).toBeInstanceOf(Sample);
  expect(body.entries?.[0]).toBeInstanceOf(Entry);
  expect(body).toEqual({
    title: 'x',
    entries: [{ message: 'm', level: 1 }],
    status: 'cancelled',
    detached: false,
  });
  expect('tags' in body).toBe(false);
});

test('no body counts as an empty one', () => {
  expect(validBody(Sample, undefined)).toEqual({ detached: false });
});

test('a null in an optional field is handed on', () => {
  expect(validBody(Sample, { title: null }).title).toBeNull();
});

test('a null counts as absent where there is a default, and only there', () => {
  expect(validBody(Sample, { detached: null })).toEqual({ detached: false });
  expect(pointersOf({ entries: [{ message: null, level: null }] })).toEqual(['/entries/0/message']);
  expect(parametersOf({ limit: null })).toEqual(['limit']);
});

test.each<[unknown, string[]]>([
  [null, ['']],
  [[], ['']],
  ['text', ['']],
  [{ nope: 1, 'x/y~z': 2 }, ['/nope', '/x~1y~0z']],
  [{ title: 1, detached: 'yes' }, ['/title', '/detached']],
  [{ title: 'a'.repeat(1_001) }, ['/title']],
  [{ tags: ['a', 1, 'b', 'c'.repeat(201)] }, ['/tags/1', '/tags/3']],
  [{ tags: 'a' }, ['/tags']],
  [{ tags: Array.from({ length: 101 }, () => 'a') }, ['/tags']],
  [{ entries: [] }, ['/entries']],
  [{ entries: [{ message: 'm', nope: 1 }, {}, 7] }, ['/entries/0/nope', '/entries/1/message', '/entries/2']],
  [{ 'a/b~c': { message: '', level: 10 } }, ['/a~1b~0c/message', '/a~1b~0c/level']],
  [{ metadata: { x: 'y'.repeat(65_536) } }, ['/metadata']],
  [{ metadata: [] }, ['/metadata']],
  [{ at: '2026-02-30T00:00:00Z' }, ['/at']],
  [{ at: '2026-01-02' }, ['/at']],
  [{ id: '0190B0C0-0000-7000-8000-000000000000' }, ['/id']],
  [{ status: 'done' }, ['/status']],
  [JSON.parse('{"__proto__": {"title": 1}}'), ['/__proto__']],
  [{ constructor: 1 }, ['/constructor']],
  [{ price: 0 }, ['/price']],
  [{ price: 9.5 }, ['/price']],
  [{ price: '1' }, ['/price']],
  [{ filter: { status: 5 } }, ['/filter/status']],
  [{ filter: { status: ['pending', 5] } }, ['/filter/status/1']],
  [{ filter: { metadata: { a: 'x', 'b/c': 5 } } }, ['/filter/metadata/b~1c']],
  [{ tags: { a: 1 } }, ['/tags']],
])('%j is refused at %j', (body, pointers) => {
  expect(pointersOf(body)).toEqual(pointers);
});

test('the detail names the limit', () => {
  expect(faultsOf(() => validBody(Sample, { metadata: 1 }))).toEqual([
    { pointer: '/metadata', detail: 'metadata must be a JSON object of at most 65536 bytes (64 KiB)' },
  ]);
});

test('characters are counted as code points', () => {
  expect(pointersOf({ title: '😀'.repeat(1_000) })).toEqual([]);
  expect(pointersOf({ title: '😀'.repeat(1_001) })).toEqual(['/title']);
});

test('a query is read from text', () => {
  const query = validQuery(Filter, {
    limit: '100',
    status: 'queued,canceled',
    tag: ['a', 'b'],
    empty: 'true',
    'metadata.team': 'x',
    'metadata.a.b': 'y',
  });
  expect(query).toEqual({
    limit: 100,
    status: ['pending', 'cancelled'],
    tag: ['a', 'b'],
    empty: true,
    metadata: { team: 'x', 'a.b': 'y' },
  });
  expect(validQuery(Filter, { tag: 'a' })).toEqual({ limit: 20, tag: ['a'] });
});

test('a number is its decimal digits, as many as a whole number may have', () => {
  const { MAX_SAFE_INTEGER: most } = Number;
  expect(validQuery(Since, { after_seq: String(most) }).after_seq).toBe(most);
  for (const text of [String(most + 1), '1.0', '1e2', '0x1', '+1', ' 1']) {
    expect([text, faultsOf(() => validQuery(Since, { after_seq: text }))]).toEqual([
      text,
      [{ parameter: 'after_seq', detail: `after_seq must be a whole number from 0 to ${most}` }],
    ]);
  }
});

test('a list may have limits of its own', () => {
  expect(validQuery(WideFilter, {}).limit).toBe(1_000);
  expect(validQuery(WideFilter, { limit: '10000' }).limit).toBe(10_000);
});

test.each<[Record<string, unknown>, string[]]>([
  [{ limit: 'abc' }, ['limit']],
  [{ limit: '0' }, ['limit']],
  [{ limit: '101' }, ['limit']],
  [{ limit: '1.5' }, ['limit']],
  [{ limit: '' }, ['limit']],
  [{ limit: ['1', '2'] }, ['limit']],
  [{ order: 'up' }, ['order']],
  [{ empty: '1' }, ['empty']],
  [{ status: 'pending,done' }, ['status']],
  [{ nope: '1', 'x/y': '2' }, ['nope', 'x/y']],
  [{ tag: 'a\0' }, ['tag']],
  [{ limit: 'a\0' }, ['limit']],
  [{ 'metadata.a': ['x', 'y'] }, ['metadata.a']],
  [{ 'metadata.a': 'ä'.repeat(6) }, ['metadata']],
  [{ [`metadata.${'a'.repeat(11)}`]: 'x' }, ['metadata']],
])('the query %j is refused at %j', (query, parameters) => {
  expect(parametersOf(query)).toEqual(parameters);
});

test('a parameter that may come once says so when it comes twice', () => {
  const twice = { limit: ['1', '2'], order: ['asc', 'asc'], empty: ['true', 'true'] };
  expect(faultsOf(() => validQuery(Filter, twice))).toEqual(
    Object.keys(twice).map((parameter) => ({
      parameter,
      detail: `${parameter} must be one value, given once`,
    })),
  );
});

test('of a value of the wrong type that is told, not what else it is not', () => {
  expect(() => validBody(Sample, { tags: 'x' })).toThrow('/tags: tags must be a list of texts.');
});
