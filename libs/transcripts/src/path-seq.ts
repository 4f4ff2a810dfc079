import { Param, type PipeTransform } from '@nestjs/common';
import { ProblemError } from '#http';

const form = /^[1-9]\d{0,14}$/;

class SeqPipe implements PipeTransform<string, number> {
  transform(seq: string): number {
    if (form.test(seq)) return Number(seq);
    throw new ProblemError('not_found', 'There is no such resource.');
  }
}

const seqPipe = new SeqPipe();

/** The `seq` in the path. What is no whole number from 1 names nothing: 404. */
export const PathSeq = (): ParameterDecorator => Param('seq', seqPipe);
