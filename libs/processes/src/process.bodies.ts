import { applyDecorators } from '@nestjs/common';
import { IsArray, IsIn, IsOptional, ValidateBy, type ValidationOptions } from 'class-validator';
import { ArrayMaxSize } from 'class-validator';
import { IsCommaList, IsFlag, IsForm, isObject, IsText, IsWhole, note, PageQuery } from '#http';
import {
  type OutputStream,
  outputStreams,
  type ProcessStatus,
  processStatuses,
  type Signal,
  signals,
} from './process.events.js';

const mostArgs = 1_000;
const textLength = 128 * 1024;
const envName = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const mostVariables = 200;
const halfPair = /\p{Surrogate}/u;

/** What the system takes is UTF-8, which half of a surrogate pair has no place in: the process would get another text. */
const IsUnicode = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isUnicode',
      validator: {
        validate: (value) => typeof value === 'string' && !halfPair.test(value),
        defaultMessage: () => '$property must be text, and not hold half of a surrogate pair',
      },
    },
    options,
  );

const isEnvironment = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length <= mostVariables &&
  Object.keys(value).every((name) => envName.test(name));

const IsEnvironment = (): PropertyDecorator =>
  applyDecorators(
    note({ keyed: true }),
    ValidateBy({
      name: 'isEnvironment',
      validator: {
        validate: isEnvironment,
        defaultMessage: () =>
          `$property must be an object of at most ${mostVariables} texts by name; a name is letters, digits and "_"`,
      },
    }),
    IsUnicode({ each: true }),
  );

export class StartProcessBody {
  /** A path, or a name that is looked up in the sandbox's PATH; no shell is involved. */
  @IsText(4_096, { least: 1 })
  @IsUnicode()
  command: string;

  @IsOptional()
  @IsArray({ message: 'args must be a list of texts' })
  @ArrayMaxSize(mostArgs, { message: `args must have at most ${mostArgs} members` })
  @IsText(textLength, { each: true })
  @IsUnicode({ each: true })
  args?: string[] | null;

  /** Added to the clean environment; the values are never shown. */
  @IsOptional()
  @IsEnvironment()
  env?: Record<string, string> | null;

  /** Relative to the sandbox's work folder. */
  @IsOptional()
  @IsForm(/^(?!\/)(?!(.*\/)?\.\.(\/|$))[^]{1,4096}$/, 'be a path within the work folder')
  @IsUnicode()
  cwd?: string | null;

  /** 3,600 by default; more than 10,800 counts as that. */
  @IsOptional()
  @IsWhole(1)
  timeout_seconds?: number | null;

  /** All of its standard input, which is closed behind it; absent, it stays open for `POST .../stdin`. */
  @IsOptional()
  @IsText(10 * 1024 * 1024)
  @IsUnicode()
  stdin?: string | null;

  /** Whether it goes on when the worker that runs the run loses it. */
  @IsOptional()
  @IsFlag()
  detached?: boolean | null;

  /** Bytes kept of stdout and of stderr, 262,144 by default; 0 keeps all. */
  @IsOptional()
  @IsWhole(0)
  output_limit_bytes?: number | null;

  /** Whether its lines are added to the run's log; true by default. */
  @IsOptional()
  @IsFlag()
  attach_output?: boolean | null;
}

export class ListProcessesQuery extends PageQuery {
  @IsOptional()
  @IsCommaList(processStatuses)
  status?: ProcessStatus[];
}

export class TerminateProcessBody {
  @IsOptional()
  @IsIn(signals, { message: `signal must be one of ${signals.join(', ')}` })
  signal?: Signal | null;

  /** How long it has until SIGKILL; 5 by default. */
  @IsOptional()
  @IsWhole(0, 3_600)
  grace_seconds?: number | null;
}

export class StdinQuery {
  /** Whether nothing follows. */
  @IsOptional()
  @IsFlag()
  close?: boolean;
}

export class WaitQuery {
  @IsOptional()
  @IsWhole(0, 60)
  timeout_seconds?: number;
}

export class OutputQuery {
  @IsOptional()
  @IsIn(outputStreams, { message: `stream must be one of ${outputStreams.join(', ')}` })
  stream?: OutputStream;

  /** The first byte to read. */
  @IsOptional()
  @IsWhole(0)
  offset?: number;

  /** Most bytes to read; 1 MiB by default. */
  @IsOptional()
  @IsWhole(1, 8 * 1024 * 1024)
  limit?: number;
}
