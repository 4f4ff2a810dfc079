import { Param, type PipeTransform } from '@nestjs/common';
import { ProblemError } from './problems.js';

const form = /^[1-9]\d{0,14}$/;

class NumberPipe implements PipeTransform<string, number> {
  transform(text: string): number {
    if (form.test(text)) return Number(text);
    throw new ProblemError('not_found', 'There is no such resource.');
  }
}

const numberPipe = new NumberPipe();

/** A number from the path, such as `seq`. What is no whole number from 1 names nothing: 404. */
export const PathNumber = (name: string): ParameterDecorator => Param(name, numberPipe);
