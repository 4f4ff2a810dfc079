import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import type { RequestContext } from './context.js';
import { ProblemError } from './problems.js';

const mediaType = 'application/x-ndjson; charset=utf-8';
const pieceSize = 64 * 1024;

/**
 * Answers with lines, read only as fast as the client reads them. What goes wrong before the first line is a
 * problem; later it breaks the connection, and half an answer is never taken for a whole.
 * @param lines each with its line break
 */
export async function ndjson(ctx: RequestContext, lines: AsyncIterable<string>): Promise<StreamableFile> {
  const pieces = joined(ctx, lines);
  const first = await pieces.next();
  const all = async function* (): AsyncGenerator<string> {
    if (first.done !== true) yield first.value;
    yield* pieces;
  };
  return new StreamableFile(Readable.from(all(), { objectMode: true, highWaterMark: 1 }), {
    type: mediaType,
  });
}

async function* joined(ctx: RequestContext, lines: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length < pieceSize) continue;
    if ((await ctx.stillValid?.()) === false) {
      throw new ProblemError('unauthenticated', 'The API key is revoked or expired.');
    }
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
