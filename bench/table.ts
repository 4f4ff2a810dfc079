import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BenchOptions } from './bench.js';
import type { Figure, Measured } from './row.js';

/** A row that could not be measured says why, and has met nothing. */
export type TableRow = { readonly name: string } & (Measured | { readonly problem: string });

interface Table {
  readonly date: string;
  readonly rows: readonly TableRow[];
}

/** Writes `<date>T<hour and minute, UTC>.json` and `.md`, beside the last table of the directory; answers the text. */
export const writeTable = async (
  directory: string,
  rows: readonly TableRow[],
  options: BenchOptions,
): Promise<string> => {
  await mkdir(directory, { recursive: true });
  const last = await lastOf(directory);
  const date = new Date().toISOString().slice(0, 16).replace(':', '');
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const text = markdown({ date, rows }, last, `${JSON.stringify(machine)} ${JSON.stringify(options)}`);
  await writeFile(
    join(directory, `${date}.json`),
    `${JSON.stringify({ date, machine, options, rows }, null, 2)}\n`,
  );
  await writeFile(join(directory, `${date}.md`), text);
  return text;
};

/** The table whose name comes last, which is the youngest. */
const lastOf = async (directory: string): Promise<Table | undefined> => {
  const name = (await readdir(directory))
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .at(-1);
  return name === undefined
    ? undefined
    : (JSON.parse(await readFile(join(directory, name), 'utf8')) as Table);
};

const markdown = ({ date, rows }: Table, last: Table | undefined, setting: string): string =>
  [
    `# Bench of ${date}`,
    '',
    `\`${setting}\``,
    '',
    'Medians of interleaved rounds. Generator, server and Postgres share the machine.',
    '',
    `| row | measured | on ${last?.date ?? 'no day before'} | references of the same run | targets |`,
    '|---|---|---|---|---|',
    ...rows.map((row) =>
      line(
        row,
        last?.rows.find(({ name }) => name === row.name),
      ),
    ),
    '',
  ].join('\n');

const line = (row: TableRow, last: TableRow | undefined): string => {
  const before = last === undefined || 'problem' in last ? '' : figures(last.figures);
  if ('problem' in row)
    return `| ${row.name} | not measured: ${row.problem.replaceAll(/[|\n]/g, ' ')} | ${before} | | **not met** |`;
  const targets = row.targets.map(
    ({ text, reached, met }) => `${text}: ${rounded(reached)}, ${met ? 'met' : '**not met**'}`,
  );
  return `| ${[row.name, figures(row.figures), before, figures(row.references), targets.join('; ')].join(' | ')} |`;
};

const figures = (all: readonly Figure[]): string => all.map(figureText).join('; ');

const figureText = ({ name, value, unit, p50_ms, p99_ms }: Figure): string => {
  const latency =
    p50_ms === undefined || p99_ms === undefined
      ? ''
      : ` (p50 ${rounded(p50_ms)} ms, p99 ${rounded(p99_ms)} ms)`;
  return `${name} ${rounded(value)} ${unit}${latency}`;
};

const rounded = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toFixed(2)));
