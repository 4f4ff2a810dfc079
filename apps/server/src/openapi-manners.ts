import { catalogue, etagged, refused, replayed, tokened, traced } from '#http';
import type { Handler, Operation } from './openapi-operations.js';

type Parameter = NonNullable<Operation['parameters']>[number];
const text = { type: 'string' };

const parameter = (name: string, place: 'header' | 'query', description: string): Parameter => ({
  name,
  in: place,
  required: false,
  description,
  schema: text,
});

const resume =
  'The `id` of the last event that the client has seen, for `text/event-stream`: it goes on behind it.';
const consistency = 'Waits until the read model has the change that answered with this token, at most 5 s.';
const idempotency =
  '1 to 255 visible ASCII characters. The same request again under one key, within 24 h, is done once and ' +
  'answers as the first time, with `Idempotent-Replayed: true`.';

/** What the parts of the document refer to. */
export const components = {
  schemas: {
    Problem: {
      type: 'object',
      description: 'RFC 9457. More members may tell more, such as `expected_seq`.',
      required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'retryable', 'request_id'],
      properties: {
        type: { type: 'string', format: 'uri' },
        title: text,
        status: { type: 'integer' },
        detail: text,
        instance: text,
        code: { type: 'string', enum: Object.keys(catalogue) },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['detail'],
            properties: { pointer: text, parameter: text, detail: text },
          },
        },
        retryable: { type: 'boolean' },
        request_id: text,
      },
      additionalProperties: true,
    },
  },
  responses: {
    Problem: {
      description: 'The request was refused, or failed; `code` says why.',
      headers: { ...refused, ...traced },
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
};

/** Paths of one resource, by its id or as the one of its kind; what stands at a position has no revision. */
const single = /(\{(?!position\})\w+\}|\/state|\/sandbox)$/;
/** What is asked by POST, for the length of the question, and changes nothing. */
const question = /\/preview$/;
/** What is done to one resource, if it is still at the revision that If-Match names. */
const deed = /\}\/(archive|unarchive|resume|cancel|respond|resolve|terminate|enable|disable|rotate-secret)$/;

/** What an answer means that does not say. */
const meanings: Readonly<Record<string, string>> = {
  200: 'Found, or done.',
  201: 'Made.',
  202: 'Begun: it may go on.',
  204: 'Done; there is nothing to show.',
};

/** Says of one operation what the manners of the API promise: problems, keys, tokens and preconditions. */
export function addManners(path: string, method: string, operation: Operation, handler: Handler): void {
  const changes = method !== 'get';
  operation.responses['default'] = { $ref: '#/components/responses/Problem' };
  const ofOne = single.test(path);
  for (const [status, response] of answersOf(operation)) {
    response.description ||= meanings[status] ?? '';
    response.headers = {
      ...response.headers,
      ...traced,
      ...(changes && !question.test(path) && tokened),
      ...(handler.manners.creates === true && replayed),
      ...(ofOne && status !== '204' && method !== 'post' && etagged),
    };
  }
  if (handler.roles.length === 0) return;
  operation.security = [{ key: [] }];
  operation.description = [operation.description, `Roles: ${handler.roles.join(', ')}.`]
    .filter(Boolean)
    .join('\n\n');
  const conditional = ofOne ? method !== 'post' : deed.test(path);
  const media = mediaOf(operation);
  media.forEach(sayOfMedia);
  const streams = media.some((one) => 'text/event-stream' in one);
  operation.parameters = [
    ...(operation.parameters ?? []),
    ...parametersOf(changes, conditional, streams, handler),
  ];
  if (conditional && !changes) {
    operation.responses['304'] = {
      description: 'Its ETag is still the one of If-None-Match.',
      headers: { ...traced, ...etagged },
    };
  }
}

/** The answers of an operation that are its own. */
const answersOf = ({ responses }: Operation) =>
  Object.entries(responses).flatMap(([status, response]) =>
    response === undefined || '$ref' in response ? [] : [[status, response] as const],
  );

type Media = Record<string, { schema?: object }>;

/** What is sent and what is answered, by media type. */
const mediaOf = ({ requestBody, responses }: Operation): Media[] =>
  ([requestBody, ...Object.values(responses)] as ({ content?: Media } | undefined)[]).flatMap(
    (body) => body?.content ?? [],
  );

/** Only JSON is of a class: what else is sent or answered is text, or bytes. */
function sayOfMedia(media: Media): void {
  for (const [type, said] of Object.entries(media)) {
    if (type === 'application/octet-stream') said.schema = { type: 'string', format: 'binary' };
    else if (type !== 'application/json') said.schema = text;
  }
}

function parametersOf(
  changes: boolean,
  conditional: boolean,
  streams: boolean,
  { manners }: Handler,
): Parameter[] {
  if (!changes) {
    return [
      ...(streams ? [parameter('Last-Event-ID', 'header', resume)] : []),
      parameter('Consistency-Token', 'header', consistency),
      parameter('consistency_token', 'query', consistency),
      ...(conditional ? [parameter('If-None-Match', 'header', '304 when the ETag is still this one.')] : []),
    ];
  }
  return [
    ...(manners.creates === true ? [parameter('Idempotency-Key', 'header', idempotency)] : []),
    ...(conditional ? [parameter('If-Match', 'header', '412 unless the resource is at this revision.')] : []),
  ];
}
