// A worker: claims runs, keeps its lease while it works, logs, and completes. Replace `work` by your own.
// RUNLEDGER_URL=http://127.0.0.1:8080 RUNLEDGER_API_KEY=... node examples/worker.mjs
import { setTimeout as pause } from 'node:timers/promises';

const { RUNLEDGER_URL = 'http://127.0.0.1:8080', RUNLEDGER_API_KEY, LEASE_SECONDS = '30' } = process.env;
const lease_seconds = Number(LEASE_SECONDS);
const worker_id = `example-${process.pid}`;
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());

/** One call. A change that names its lease changes nothing once the worker has lost it. */
async function call(method, path, content, { lease, signal } = {}) {
  const headers = { authorization: `Bearer ${RUNLEDGER_API_KEY}`, 'content-type': 'application/json' };
  if (lease !== undefined) headers['lease-id'] = lease;
  const body = JSON.stringify(content);
  const response = await fetch(`${RUNLEDGER_URL}/v1${path}`, { method, headers, body, signal });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { code: answer.code });
  return answer;
}

/** The work itself. @param lost aborted when the run was cancelled or given to somebody else: stop then */
async function work({ input }, log, lost) {
  await log(`started with ${JSON.stringify(input)}`);
  await pause(input?.milliseconds ?? 0, undefined, { signal: lost });
  return { echo: input };
}

async function carryOut(run) {
  const { id, lease_id } = run;
  const lost = new AbortController();
  const change = (method, path, body) => call(method, `/runs/${id}${path}`, body, { lease: lease_id });
  const beat = () =>
    change('POST', '/heartbeat', { lease_id }).catch(({ code }) => {
      // Whatever else fails may pass before the lease expires: the next heartbeat tells.
      if (code === 'lease_lost') lost.abort();
    });
  const heart = setInterval(beat, (lease_seconds * 1_000) / 3);
  try {
    const log = (message) => change('POST', '/logs', { entries: [{ message }] });
    await change('PATCH', '', { status: 'completed', output: await work(run, log, lost.signal) });
  } catch ({ code = 'worker_error', message }) {
    if (lost.signal.aborted || code === 'lease_lost') return;
    const error = { code: String(code), message };
    await change('PATCH', '', { status: 'failed', error }).catch(() => undefined);
  } finally {
    clearInterval(heart);
  }
}

const { signal } = stopping;
while (!signal.aborted) {
  const claim = { worker_id, lease_seconds, wait_seconds: 20 };
  const { data } = await call('POST', '/runs/claim', claim, { signal }).catch(async ({ message }) => {
    if (!signal.aborted) console.error(`no claim: ${message}; trying again`);
    return { data: await pause(1_000, [], { signal }).catch(() => []) };
  });
  for (const run of data) await carryOut(run);
}
