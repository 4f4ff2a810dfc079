import type { Output } from './output.js';
import { essence, pieceOf, textOf, type TimelineEvent } from './timeline-event.js';
import { visible } from './visible.js';

/** Characters of an event's essence on its line. */
const longest = 200;

const colour = { red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
const dim = 2;

const colours: readonly (readonly [RegExp, number])[] = [
  [/\.failed$/, colour.red],
  [/^run\.completed$/, colour.green],
  [/^run\.cancelled$|^session\.deleted$|^permission$|^interaction\./, colour.yellow],
  [/^tool_/, colour.cyan],
  [/^(run|session|process)\./, colour.blue],
];

/** Prints events for people: one on a line, and text that comes in pieces as it grows. */
export class TimelinePrinter {
  /** The text that may go on where it is. */
  private open: string | undefined;
  private atLineStart = true;

  /** @param nameRuns whether to tell which run each event is of */
  constructor(
    private readonly out: Output,
    private readonly nameRuns: boolean,
  ) {}

  async print(event: TimelineEvent): Promise<void> {
    const piece = pieceOf(event);
    if (piece === undefined) {
      await this.endLine();
      await this.out.write(`${(this.head(event) + shortened(essence(event))).trimEnd()}\n`);
      return;
    }
    const text = textOf(event);
    if (this.open !== text) {
      await this.endLine();
      this.atLineStart = false;
      await this.out.write(this.head(event));
    }
    this.open = text;
    if (piece !== '') this.atLineStart = piece.endsWith('\n');
    await this.out.write(visible(piece, '\n\t'));
  }

  /** Ends the line of a text that may still grow. */
  async endLine(): Promise<void> {
    if (this.open === undefined) return;
    this.open = undefined;
    if (!this.atLineStart) await this.out.write('\n');
  }

  private head({ created_at, sequence_number, run_id, type }: TimelineEvent): string {
    // Swedish writes a date as ISO 8601 does, here in the time zone of whoever reads it.
    const time = new Date(created_at).toLocaleString('sv-SE');
    const run = this.nameRuns ? `  ${visible(run_id?.slice(-6) ?? '').padEnd(6)}` : '';
    const code = colours.find(([types]) => types.test(type))?.[1];
    const name = visible(type);
    const gap = ' '.repeat(Math.max(19 - name.length, 2));
    const place = this.paint(dim, `${time} ${String(sequence_number).padStart(5)}${run}`);
    return `${place}  ${this.paint(code, name)}${gap}`;
  }

  private paint(code: number | undefined, text: string): string {
    return code === undefined || !this.out.colours ? text : `\x1b[${code}m${text}\x1b[0m`;
  }
}

const characters = new Intl.Segmenter();

const shortened = (text: string): string => {
  const line = visible(text);
  let count = 0;
  for (const { index } of characters.segment(line)) {
    if (count++ === longest) return `${line.slice(0, index)}…`;
  }
  return line;
};
