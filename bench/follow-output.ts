import { request } from 'node:http';
import { parseArgs } from 'node:util';

/**
 * A follower of the output of one process, as a process of its own: asks, reads to the end, and prints one JSON
 * line (`FollowedOutput`). Of what comes it decodes nothing: it must cost less than what it measures.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    path: { type: 'string', default: '' },
  },
});

export interface FollowedOutput {
  /** The place behind the last piece: bytes of output. */
  readonly bytes: number;
}

const idLine = /^id: (\d+)$/gm;
/** A line may be cut in two by the network: so many characters are looked at again. */
const lineLength = 32;

const headers = { authorization: `Bearer ${values.key}`, accept: 'text/event-stream' };
request(new URL(values.path, values.url), { headers }, (response) => {
  let bytes = 0;
  let rest = '';
  response.setEncoding('latin1').on('data', (chunk: string) => {
    const text = rest + chunk;
    for (const [, id] of text.matchAll(idLine)) bytes = Number(id);
    rest = text.slice(-lineLength);
  });
  response.on('end', () => {
    console.log(JSON.stringify({ bytes } satisfies FollowedOutput));
  });
}).end();
