import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

interface Exec {
  readonly body: { Cmd: string[]; Env?: string[] };
  child?: ChildProcess;
}

/**
 * As much of the Engine API, on a unix socket, as the Docker driver speaks: one container that is a folder, and
 * whose processes are processes of this machine. It shows that requests, frames and ends are understood; not
 * that an engine does what it is asked for.
 */
export class DockerEngine {
  /** What was asked for: `METHOD /path`, and the body. */
  readonly asked: { what: string; body: Record<string, unknown> }[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'runledger-engine-'));
  readonly socketPath = join(this.folder, 'docker.sock');
  info: Record<string, unknown> = { MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true };
  readonly #execs: Exec[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #events: ServerResponse | undefined;
  #removed: ServerResponse | undefined;
  /** The container's own, which the folder stands for. */
  #workdir = '/';

  async start(): Promise<void> {
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      void this.#upgrade(request, socket, head);
    });
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.folder, { recursive: true });
  }

  /** As when the container's first process ends: with it all others, and the container. */
  #remove(): void {
    for (const { child } of this.#execs)
      if (child?.pid !== undefined && child.exitCode === null) child.kill('SIGKILL');
    this.#removed?.end(JSON.stringify({ StatusCode: 137 }));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', 'http://engine');
    const sent = await text(request);
    const body = sent === '' ? {} : (JSON.parse(sent) as Record<string, unknown>);
    const what = `${request.method ?? ''} ${pathname}`;
    this.asked.push({ what, body });
    const answer = (status: number, content?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(content === undefined ? undefined : JSON.stringify(content));
    };
    const exec = this.#execs[Number(/^\/exec\/(\d+)/.exec(pathname)?.[1])];
    if (what === 'GET /info') answer(200, this.info);
    else if (what === 'GET /containers/json') answer(200, [{ Id: 'left-over' }]);
    else if (what === 'POST /containers/create') {
      this.#workdir = String(body['WorkingDir']);
      answer(201, { Id: 'box', Warnings: [] });
    } else if (what === 'POST /containers/box/start') answer(204);
    else if (what === 'POST /containers/box/exec') {
      answer(201, { Id: String(this.#execs.push({ body: body as unknown as Exec['body'] }) - 1) });
    } else if (what === 'GET /events') {
      this.#events = response;
      response.flushHeaders();
    } else if (what === 'POST /containers/box/wait') {
      this.#removed = response;
      response.flushHeaders();
    } else if (request.method === 'DELETE') {
      answer(204);
      this.#remove();
    } else if (exec !== undefined && pathname.endsWith('/json')) answer(200, { Pid: exec.child?.pid });
    else if (exec !== undefined) {
      this.#run(exec);
      answer(200);
    } else answer(404, { message: `no such thing: ${what}` });
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    this.#sockets.add(socket);
    socket.unshift(head);
    const { pathname } = new URL(request.url ?? '', 'http://engine');
    let missing = Number(request.headers['content-length'] ?? 0);
    while (missing > 0) {
      const chunk = socket.read(Math.min(missing, socket.readableLength || 1)) as Buffer | null;
      if (chunk === null) await once(socket, 'readable');
      else missing -= chunk.length;
    }
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    const exec = this.#execs[Number(/^\/exec\/(\d+)/.exec(pathname)?.[1])];
    if (exec === undefined) {
      socket.resume().once('close', () => {
        this.#remove();
      });
    } else this.#run(exec, socket);
  }

  #run(exec: Exec, socket?: Socket): void {
    const [program = '', ...args] = exec.body.Cmd.map((arg) =>
      arg.startsWith(this.#workdir) ? this.folder + arg.slice(this.#workdir.length) : arg,
    );
    const pairs = (exec.body.Env ?? []).map((entry) => [
      entry.slice(0, entry.indexOf('=')),
      entry.slice(entry.indexOf('=') + 1),
    ]);
    const env = Object.fromEntries(pairs) as Record<string, string>;
    const options = { cwd: this.folder, env: { PATH: process.env['PATH'], ...env }, detached: true };
    const child = spawn(program, args, options);
    exec.child = child;
    child.once('exit', (code, signal) => {
      const exitCode = String(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      const Attributes = { execID: String(this.#execs.indexOf(exec)), exitCode };
      this.#events?.write(`${JSON.stringify({ Action: 'exec_die', Actor: { Attributes } })}\n`);
    });
    if (socket === undefined) return;
    socket.pipe(child.stdin);
    child.stdin.on('error', () => undefined);
    for (const [type, stream] of [child.stdout, child.stderr].entries()) {
      stream.on('data', (chunk: Buffer) => {
        const header = Buffer.from([type + 1, 0, 0, 0, 0, 0, 0, 0]);
        header.writeUInt32BE(chunk.length, 4);
        // In two pieces, as a connection may deliver it.
        socket.write(header.subarray(0, 5));
        socket.write(Buffer.concat([header.subarray(5), chunk]));
      });
    }
    child.once('close', () => socket.end());
  }
}
