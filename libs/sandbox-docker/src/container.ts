import type { ContainerCreateOptions } from 'dockerode';
import type { SandboxLimits } from '#processes';

export const workdir = '/workspace';
export const label = 'runledger.sandbox';

/** Who the processes are: not root, so that the first process, which is, is out of their reach. */
export const user = '65534:65534';

export const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: workdir,
  LANG: 'C.UTF-8',
  TMPDIR: '/tmp',
};

const mebibyte = 1024 * 1024;

/**
 * The container of a sandbox. Its first process reads what the service never writes, and ends when nobody is
 * attached any more (`StdinOnce`): so the container ends, and is removed, when the service dies.
 */
export function containerOf(
  id: string,
  limits: SandboxLimits,
  { image, network }: { readonly image: string; readonly network: string },
): ContainerCreateOptions {
  const memory = limits.memory_mb === undefined ? undefined : Math.floor(limits.memory_mb * mebibyte);
  return {
    name: `runledger-${id}`,
    Image: image,
    Entrypoint: ['sh', '-c'],
    Cmd: [`chmod 1777 ${workdir} && exec cat`],
    User: '0:0',
    WorkingDir: workdir,
    Labels: { [label]: id },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    HostConfig: {
      AutoRemove: true,
      Init: true,
      NetworkMode: network,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      // Swap counts too: the engine means both together.
      ...(memory === undefined ? {} : { Memory: memory, MemorySwap: memory }),
      ...(limits.cpu_cores === undefined ? {} : { NanoCpus: Math.round(limits.cpu_cores * 1e9) }),
      ...(limits.pids === undefined ? {} : { PidsLimit: Math.floor(limits.pids) }),
    },
  };
}
