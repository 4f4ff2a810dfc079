import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BenchOptions } from './bench.js';
import type { Figure, Measured } from './row.js';

/** A row that could not be measured says why, and has met nothing. */
export type TableRow = { readonly name: string } & (Measured | { readonly problem: string });

/** Writes `<date>.json` and `<date>.md`; answers the text. */
export const writeTable = async (
  directory: string,
  rows: readonly TableRow[],
  options: BenchOptions,
): Promise<string> => {
  const date = new Date().toISOString().slice(0, 10);
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const text = markdown(date, `${JSON.stringify(machine)} ${JSON.stringify(options)}`, rows);
  await mkdir(directory, { recursive: true });
  await writeFile(
    join(directory, `${date}.json`),
    `${JSON.stringify({ date, machine, options, rows }, null, 2)}\n`,
  );
  await writeFile(join(directory, `${date}.md`), text);
  return text;
};

const markdown = (date: string, setting: string, rows: readonly TableRow[]): string =>
  [
    `# Bench of ${date}`,
    '',
    `\`${setting}\``,
    '',
    'Medians of interleaved rounds. Generator, server and Postgres share the machine.',
    '',
    '| row | measured | references of the same run | targets |',
    '|---|---|---|---|',
    ...rows.map(line),
    '',
  ].join('\n');

const line = (row: TableRow): string => {
  if ('problem' in row)
    return `| ${row.name} | not measured: ${row.problem.replaceAll(/[|\n]/g, ' ')} | | **not met** |`;
  const targets = row.targets.map(
    ({ text, reached, met }) => `${text}: ${rounded(reached)}, ${met ? 'met' : '**not met**'}`,
  );
  return `| ${[row.name, figures(row.figures), figures(row.references), targets.join('; ')].join(' | ')} |`;
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
