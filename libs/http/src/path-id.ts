import { Param, type PipeTransform } from '@nestjs/common';
import { isUuid } from './forms.js';
import { ProblemError } from './problems.js';

class IdPipe implements PipeTransform<string, string> {
  transform(id: string): string {
    if (isUuid(id)) return id;
    throw new ProblemError('not_found', 'There is no such resource: an id is a UUID in lower case.');
  }
}

const idPipe = new IdPipe();

/** An id from the path. What is no lower-case UUID names nothing: 404. */
export const PathId = (name = 'id'): ParameterDecorator => Param(name, idPipe);
