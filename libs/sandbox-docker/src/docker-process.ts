import type { Container } from 'dockerode';
import type { Duplex, Writable } from 'node:stream';
import { commandLine, readTold, type ProcessEnd, type ProcessSpec, type SandboxProcess } from '#processes';
import { environment, user, workdir } from './container.js';
import type { Deaths } from './deaths.js';
import { demultiplex, type Outputs } from './demultiplex.js';
import { takeFirstLine } from './first-line.js';

/** A process of a container. The engine makes each the leader of a session, and so of a group, of its own. */
export class DockerProcess implements SandboxProcess {
  readonly stdout;
  readonly stderr;
  #over = false;

  constructor(
    private readonly container: Container,
    readonly pid: number,
    private readonly group: number | undefined,
    readonly stdin: Writable,
    outputs: Outputs,
    readonly ended: Promise<ProcessEnd>,
  ) {
    ({ stdout: this.stdout, stderr: this.stderr } = outputs);
    void ended.then(() => {
      this.#over = true;
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#over || this.group === undefined) return;
    const command = `kill -${signal.slice(3)} -${this.group}`;
    runInside(this.container, command).catch(() => undefined);
  }
}

/** Runs a shell script with the rights of the processes; resolves once it has been started. */
export async function runInside(container: Container, script: string): Promise<void> {
  const exec = await container.exec({ Cmd: ['sh', '-c', script], User: user });
  await exec.start({ Detach: true });
}

/** Resolves once the command runs, or cannot run. */
export async function startProcess(
  container: Container,
  deaths: Deaths,
  spec: ProcessSpec,
): Promise<DockerProcess> {
  const { argv, env } = commandLine(workdir, spec, environment);
  const exec = await container.exec({
    // What is told goes first through stderr, which has no reader but us yet.
    Cmd: ['sh', '-c', 'exec 3>&2; exec "$@"', 'sh', ...argv],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    User: user,
    WorkingDir: workdir,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const died = deaths.of(exec.id);
  const connection: Duplex = await exec.start({ hijack: true, stdin: true });
  connection.on('error', () => undefined);
  const outputs = demultiplex(connection);
  const told = readTold(await takeFirstLine(outputs.stderr));
  if (!('pid' in told)) {
    const cannot = died.then((end) => (told.reason === '' ? end : told));
    return new DockerProcess(container, 0, undefined, connection, outputs, cannot);
  }
  const { Pid } = await exec.inspect();
  return new DockerProcess(container, Pid, told.pid, connection, outputs, died);
}
