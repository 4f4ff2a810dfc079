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

const idLine = '\nid: ';
/** A line may be cut in two by the network: so many bytes are looked at again. */
const lineLength = 32;

const headers = { authorization: `Bearer ${values.key}`, accept: 'text/event-stream' };
request(new URL(values.path, values.url), { headers }, (response) => {
  let bytes = 0;
  let rest = Buffer.alloc(0);
  response.on('data', (chunk: Buffer) => {
    const text = Buffer.concat([rest, chunk]);
    const line = text.lastIndexOf(idLine);
    const [, id] = /^(\d+)\n/.exec(text.toString('latin1', line + idLine.length, line + lineLength)) ?? [];
    if (line >= 0 && id !== undefined) bytes = Number(id);
    rest = text.subarray(-lineLength);
  });
  response.on('end', () => {
    console.log(JSON.stringify({ bytes } satisfies FollowedOutput));
  });
}).end();
