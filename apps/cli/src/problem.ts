import { CliError, exitCode } from './errors.js';

/** The members of `application/problem+json` that the CLI uses. */
export interface Problem {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly retryable?: boolean;
  /** Of `lease_lost`. */
  readonly run_status?: string;
  readonly errors?: readonly {
    readonly pointer?: string;
    readonly parameter?: string;
    readonly detail: string;
  }[];
}

/** The server answered, and refused. */
export class ProblemAnswer extends CliError {
  override readonly name = 'ProblemAnswer';
  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** The server's advice, when it gave one. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(describe(status, problem), exitCode.refused);
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.problem.retryable ?? (this.status === 408 || this.status === 429 || this.status >= 500);
  }
}

/** Reads a refusal; one that is no problem document (a proxy's page) still tells its status. */
export const problemAnswer = async (response: Response): Promise<ProblemAnswer> => {
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  return new ProblemAnswer(
    response.status,
    parse(await response.text()),
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
};

const parse = (text: string): Problem => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
};

const describe = (status: number, { code, title, detail, errors = [] }: Problem): string =>
  [
    `${code ?? `HTTP ${status}`}: ${detail ?? title ?? 'the server gave no reason'}`,
    // A single fault stands in the detail already.
    ...(errors.length > 1 || detail === undefined
      ? errors.map((row) => `  ${row.pointer ?? row.parameter ?? ''}: ${row.detail}`)
      : []),
  ].join('\n');
