import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { generate } from './generate.js';

/**
 * The load generator as a process of its own: prints one JSON line (`LoadResult`). Latencies are of
 * the measured time only; answers other than 2xx are counted by status and not among the requests.
 */
const usage = `usage: load --url URL --key KEY --path PATH [--path PATH ...] [--method GET]
  [--body TEXT | --body-file FILE] [--content-type TYPE] [--connections 16]
  [--seconds 5] [--warm-up 0] [--requests N]`;

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    method: { type: 'string', default: 'GET' },
    path: { type: 'string', multiple: true },
    body: { type: 'string' },
    'body-file': { type: 'string' },
    'content-type': { type: 'string', default: 'application/json' },
    connections: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '0' },
    requests: { type: 'string' },
  },
});

if (values.url === undefined || values.key === undefined || values.path === undefined) {
  console.error(usage);
  process.exit(2);
}
const file = values['body-file'];
const body = file === undefined ? values.body : await readFile(file, 'utf8');
const result = await generate({
  url: values.url,
  key: values.key,
  method: values.method,
  paths: values.path,
  contentType: values['content-type'],
  connections: Number(values.connections),
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values['warm-up']),
  ...(body !== undefined && { body }),
  ...(values.requests !== undefined && { requests: Number(values.requests) }),
});
console.log(JSON.stringify(result));
