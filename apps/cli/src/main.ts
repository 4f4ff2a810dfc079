import { cli } from './cli.js';
import { outputTo } from './output.js';

process.exitCode = await cli(
  process.argv.slice(2),
  process.env,
  outputTo(process.stdout, process.env),
  outputTo(process.stderr, process.env),
);
