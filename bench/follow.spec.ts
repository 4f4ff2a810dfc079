import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import type { TableRow } from './table.js';

const rows = [
  'followers-1000',
  'follow-idle-run',
  'follow-idle-session',
  'never-read-500',
  'process-start',
  'process-output',
];

test('the rows that follow, and those of processes, can be measured', async () => {
  const out = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
  try {
    const only = rows.flatMap((row) => ['--only', row]);
    await promisify(execFile)(process.execPath, ['dist/bench/main.js', '--quick', '--out', out, ...only]);
    const json = readdirSync(out).find((name) => name.endsWith('.json')) ?? '';
    const table = JSON.parse(readFileSync(join(out, json), 'utf8')) as { rows: TableRow[] };
    expect(table.rows).toEqual(
      rows.map((name) => expect.objectContaining({ name, figures: expect.anything() as unknown })),
    );
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
