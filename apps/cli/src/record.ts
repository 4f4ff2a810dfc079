import { type Child, type Ending, startChild } from './child.js';
import type { Context } from './command.js';
import { CliError } from './errors.js';
import { LineSplitter } from './line-splitter.js';
import type { LogEntry } from './log-shipper.js';
import { type Output, OutputClosed } from './output.js';
import { type RecordOptions, RunRecord } from './run-record.js';

/** Runs a command as a run of the ledger. Answers the exit code. @throws CliError when the run cannot be started */
export const record = async (
  { api, out, err }: Context,
  command: string,
  args: readonly string[],
  options: RecordOptions,
): Promise<number> => {
  const run = await RunRecord.start(api, command, args, options, (message) => {
    void tell(err, message);
  });
  await tell(err, `run ${run.id}`);
  const child = startChild(command, args, () => {
    run.stopRetrying();
  });
  run.hold((status) => {
    if (status === 'cancelled') child.end();
    const then =
      status === 'cancelled' ? 'the command is asked to end' : 'what comes of the command is not its end';
    void tell(err, `runledger: run ${run.id} is ${status}: ${then}`);
  });
  const ending = await watch(child, run, out, err);
  if (!ending.started) await tell(err, `runledger: ${ending.error?.message ?? command}`);
  try {
    await run.finish(ending);
    return ending.exitCode;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    await tell(err, `runledger: the record of run ${run.id} is incomplete: ${error.message}`);
    return ending.exitCode === 0 ? error.exitCode : ending.exitCode;
  }
};

const watch = async (child: Child, run: RunRecord, out: Output, err: Output): Promise<Ending> => {
  await Promise.all([
    pump(child.stdout, 'stdout', run, out, err),
    pump(child.stderr, 'stderr', run, err, err),
  ]);
  return child.ending;
};

/** Reads no faster than both the terminal and the server take it: the command waits in its own write. */
const pump = async (
  source: Child['stdout'],
  stream: LogEntry['stream'],
  run: RunRecord,
  out: Output,
  err: Output,
) => {
  const splitter = new LineSplitter();
  const entries = (lines: readonly string[]): LogEntry[] => {
    const ts = new Date().toISOString();
    return lines.map((message) => ({ ts, stream, message }));
  };
  let shown = true;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const read = entries(splitter.push(chunk));
      if (shown) shown = await show(out, chunk, err);
      await run.log(read);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  await run.log(entries(splitter.end()));
};

/** False once nobody reads the output any more, or it cannot be written; it is still recorded then. */
const show = async (out: Output, text: string | Uint8Array, err?: Output): Promise<boolean> => {
  try {
    await out.write(text);
    return true;
  } catch (error) {
    if (!(error instanceof OutputClosed) && err !== undefined)
      await tell(err, `runledger: ${(error as Error).message}; the output is recorded all the same`);
    return false;
  }
};

const tell = (err: Output, message: string): Promise<boolean> => show(err, `${message}\n`);
