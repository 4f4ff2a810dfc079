import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const entry = resolve(import.meta.dirname, '../../../dist/apps/server/src/build-process.js');
const asData = (script: string): string => `data:text/javascript,${encodeURIComponent(script)}`;
const told = asData(
  `export const resolve = (name, context, next) => (console.log(name), next(name, context));`,
);
const tellImports = asData(`import { register } from 'node:module'; register(${JSON.stringify(told)});`);

it('what folds is loaded without Nest, and so begins in a third of the time', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', tellImports, entry]);
  const imported = stdout.split('\n');
  expect(imported).toContain('#runs/projections');
  expect(imported.filter((name) => /^(@nestjs|class-validator|fastify)/.test(name))).toEqual([]);
});
