import Docker from 'dockerode';
import type { Container, ContainerCreateOptions } from 'dockerode';
import type { Duplex, Readable } from 'node:stream';
import {
  LimitNotEnforceable,
  SandboxDriver,
  SandboxUnavailable,
  type LimitName,
  type Sandbox,
  type SandboxLimits,
  type SandboxSpec,
} from '#processes';
import { containerOf, label } from './container.js';
import { Deaths } from './deaths.js';
import { DockerSandbox, removeContainer } from './docker-sandbox.js';

export interface DockerDriverOptions {
  /** Needs `sh`, `cat`, `chmod` and `sleep`. Pulled when it is not there. By default `debian:stable-slim`. */
  readonly image?: string;
  /** The network of the containers, `none` for none; by default the engine's `bridge`. */
  readonly network?: string;
  /** By default what DOCKER_HOST says, or the engine of this machine. */
  readonly socketPath?: string;
}

/**
 * Sandboxes as containers, one each. Not seen with a real engine where none answered: the suite says so then,
 * and only the requests have been tried, against a stand-in.
 */
export class DockerDriver extends SandboxDriver {
  readonly name = 'docker';
  readonly #docker: Docker;
  readonly #image: string;
  readonly #network: string;

  constructor({ image = 'debian:stable-slim', network = 'bridge', socketPath }: DockerDriverOptions = {}) {
    super();
    this.#docker = new Docker(socketPath === undefined ? undefined : { socketPath });
    this.#image = image;
    this.#network = network;
  }

  async open({ id, limits, bestEffort }: SandboxSpec): Promise<Sandbox> {
    const enforced = await this.#enforceable(limits, bestEffort);
    const held = Object.fromEntries(enforced.map((limit) => [limit, limits[limit]])) as SandboxLimits;
    const options = containerOf(id, held, { image: this.#image, network: this.#network });
    const container = await this.#create(options);
    try {
      const filters = { container: [container.id], event: ['exec_die'] };
      const events = (await this.#docker.getEvents({ filters })) as Readable;
      const deaths = new Deaths(events);
      // Held open by this connection alone: see containerOf.
      const lifeline = (await container.attach({ stream: true, stdin: true, hijack: true })) as Duplex;
      lifeline.on('error', () => undefined);
      const removed = container.wait({ condition: 'removed' }).catch(() => undefined);
      await container.start();
      const over = removed.then(() => {
        lifeline.destroy();
        events.destroy();
        deaths.all();
      });
      return new DockerSandbox(container, deaths, enforced, over);
    } catch (error) {
      await removeContainer(container);
      throw new SandboxUnavailable(sentence(error));
    }
  }

  async sweep(sandboxIds: readonly string[]): Promise<void> {
    for (const id of sandboxIds) {
      const filters = { label: [`${label}=${id}`] };
      for (const { Id } of await this.#docker.listContainers({ all: true, filters })) {
        await removeContainer(this.#docker.getContainer(Id));
      }
    }
  }

  /** The engine takes limits that its kernel does not know, with a warning only: so it is asked before. */
  async #enforceable(limits: SandboxLimits, bestEffort: boolean): Promise<LimitName[]> {
    const info = (await this.#docker.info().catch((error: unknown) => {
      throw new SandboxUnavailable(sentence(error));
    })) as { MemoryLimit?: boolean; CpuCfsQuota?: boolean; PidsLimit?: boolean };
    const knows = { memory_mb: info.MemoryLimit, cpu_cores: info.CpuCfsQuota, pids: info.PidsLimit };
    const asked = (Object.keys(knows) as LimitName[]).filter((limit) => limits[limit] !== undefined);
    const not = asked.find((limit) => knows[limit] !== true);
    if (not !== undefined && !bestEffort)
      throw new LimitNotEnforceable(not, 'the kernel of the Docker engine does not know it');
    return asked.filter((limit) => knows[limit] === true);
  }

  async #create(options: ContainerCreateOptions): Promise<Container> {
    try {
      return await this.#docker.createContainer(options).catch(async (error: unknown) => {
        if ((error as { statusCode?: number }).statusCode !== 404) throw error;
        await this.#pull();
        return this.#docker.createContainer(options);
      });
    } catch (error) {
      throw new SandboxUnavailable(sentence(error));
    }
  }

  async #pull(): Promise<void> {
    const progress = await this.#docker.pull(this.#image);
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(progress, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

const sentence = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).replace(/\.?\s*$/, '');
