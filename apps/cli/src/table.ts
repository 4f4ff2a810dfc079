import stringWidth from 'string-width';
import type { Output } from './output.js';
import { visible } from './visible.js';

/** A resource as the API answers it. */
export type Resource = Readonly<Record<string, unknown>>;

export type Column = string | { readonly title: string; readonly cell: (resource: Resource) => unknown };

/** Prints resources as an aligned table, or one JSON document per line. */
export const printList = async (
  out: Output,
  resources: AsyncIterable<Resource> | Iterable<Resource>,
  columns: readonly Column[],
  json: boolean,
): Promise<void> => {
  if (json || !out.terminal) {
    for await (const resource of resources) await out.write(`${visible(JSON.stringify(resource))}\n`);
    return;
  }
  const rows = [columns.map((column) => (typeof column === 'string' ? column : column.title).toUpperCase())];
  for await (const resource of resources) {
    rows.push(
      columns.map((column) => cell(typeof column === 'string' ? resource[column] : column.cell(resource))),
    );
  }
  await out.write(aligned(rows));
};

/** Prints one resource as a field per line, or as one JSON document. */
export const printOne = async (out: Output, resource: Resource, json: boolean): Promise<void> => {
  if (json || !out.terminal) {
    await out.write(`${visible(JSON.stringify(resource))}\n`);
    return;
  }
  const shown = Object.entries(resource).filter(([, value]) => value !== null);
  await out.write(aligned(shown.map(([name, value]) => [name, cell(value)])));
};

const aligned = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, n) =>
    rows.reduce((most, row) => Math.max(most, stringWidth(row[n] ?? '')), 0),
  );
  return rows
    .map(
      (row) =>
        row
          .map((text, n) => text + ' '.repeat((widths[n] ?? 0) - stringWidth(text)))
          .join('  ')
          .trimEnd() + '\n',
    )
    .join('');
};

/** One line of text: what stored text holds must not command the terminal. */
const cell = (value: unknown): string => {
  if (value === undefined || value === null) return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return visible(text);
};
