/** Why an engine does not make or start a container as it is wanted. */
export interface ContainerTrouble {
  /** What is wrong, in few words. */
  readonly what: string;
  /** What to do about it. */
  readonly hint: string;
  /** Whose fault it is: `wish`: how containers are wanted; `machine`: how the engine's machine is. */
  readonly of: 'wish' | 'machine';
}

interface Row {
  readonly pattern: RegExp;
  readonly what: (found: RegExpExecArray) => string;
  readonly hint: string;
}

const settings = 'below `[docker]` in your config.toml';
const look = (...keys: readonly string[]): string =>
  `look at ${keys.map((key) => `\`${key}\``).join(' and ')} ${settings}`;

/** Words of Docker, of several versions, of runc and of Podman; the first that fits. */
const ofWishes: readonly Row[] = [
  {
    pattern: /range of CPUs is from [\d.]+ to (\d+(?:\.\d+)?)/i,
    what: ([, most]) => `the engine has no more than ${Number(most)} CPUs`,
    hint: `ask for fewer with \`--cpus\`, or with \`cpus\` ${settings}`,
  },
  {
    pattern: /Requested CPUs are not available - requested (\S+), available: ([\d,-]+)/,
    what: ([, wanted, there]) => `the engine has no CPUs ${wanted}, only ${there}`,
    hint: look('cpuset_cpus', 'service_cpuset_cpus'),
  },
  {
    pattern: /network (\S+) not found|unable to find network with name or ID (\S+?):/,
    what: ([, docker, podman]) => `the engine has no network \`${docker ?? podman}\``,
    hint: `${look('network_mode')}: \`docker network ls\` shows what there is, \`docker network create\` makes one`,
  },
  {
    pattern: /unable to find user (.+?): no matching entries/,
    what: ([, user]) => `the image has no user \`${user}\``,
    hint: `write a number or a user of its /etc/passwd: \`image: { docker: { user: … } }\` in the pipeline file, or \`user\` ${settings}`,
  },
  {
    pattern: /unable to find group (.+?): no matching entries/i,
    what: ([, group]) => `the image has no group \`${group}\``,
    hint: `write a number or a group of its /etc/group, after the colon of \`user\` or in \`group_add\` ${settings}`,
  },
  {
    pattern: /uids and gids must be in range (\S+)/,
    what: ([, range]) => `numbers of users and groups must be from ${range}`,
    hint: look('user', 'group_add'),
  },
  {
    pattern: /wrong rlimit value: RLIMIT_(\w+)|rlimit type \d+: (?:invalid argument|operation not permitted)|ulimit/,
    what: ([, name]) =>
      name === undefined
        ? 'the engine may not set a limit of `ulimit` so high'
        : `there is no limit \`${name.toLowerCase()}\` to set with \`ulimit\``,
    hint: `${look('ulimit')}; a rootless engine can't go above its own hard limits`,
  },
  {
    pattern: /custom device "([^"]+)": (.*)|stat (\/dev\/\S+): (.*)/,
    what: ([, docker, why, podman, itsWhy]) =>
      `the device \`${docker ?? podman}\` can't be passed on: ${why ?? itsWhy} on the engine's machine`,
    hint: look('devices'),
  },
  {
    pattern: /could not select device driver "([^"]*)"|nvidia-container-cli|unresolvable CDI devices/,
    what: () => 'the engine can give no GPUs',
    hint: `install the NVIDIA container toolkit on its machine, or leave \`gpus\` ${settings} out`,
  },
  {
    pattern: /creating mount source path '([^']+)': (.*)|bind source path does not exist: (\S+)|statfs (\/\S+): (.*)/,
    what: ([, docker, why, missing, podman, itsWhy]) =>
      `the directory \`${docker ?? missing ?? podman}\` can't be mounted: ${why ?? itsWhy ?? 'it is not there'}`,
    hint: `${look('volumes')}: paths are those of the engine's machine`,
  },
  {
    pattern: /error mounting "([^"]+)" to rootfs at "([^"]+)".*not a directory/,
    what: ([, source, target]) =>
      `\`${source}\` can't be mounted at \`${target}\`: one is a file, the other a directory`,
    hint: look('volumes'),
  },
  {
    pattern:
      /invalid (?:volume specification|mode)[^\n]*|[Dd]uplicate mount (?:point|destination)[^\n]*|includes invalid characters for a local volume name/,
    what: ([words]) => `a volume can't be mounted: ${words}`,
    hint: `${look('volumes')}: \`/host:/path\`, \`name:/path\` or \`/path\`, with \`:ro\` or \`:rw\` at the end`,
  },
  {
    pattern: /invalid tmpfs option ([^\n]*)|invalid mount path: '([^']+)'/,
    what: ([, option, path]) => `a \`tmpfs\` can't be mounted: ${option ?? `${path} is not absolute`}`,
    hint: look('tmpfs', 'services_tmpfs'),
  },
  {
    pattern: /No such container: (\S+)|no container with name or ID "?([^"\s]+)/,
    what: ([, docker, podman]) => `the engine has no container \`${docker ?? podman}\``,
    hint: look('volumes_from', 'network_mode'),
  },
  {
    pattern: /[Uu]nknown(?: or invalid)? runtime (?:specified |name: )(\S+)|runtime "?([^"\s]+)"? not found/,
    what: ([, docker, podman]) => `the engine has no runtime \`${docker ?? podman}\``,
    hint: `${look('runtime')}; \`docker info\` names those that it has`,
  },
  {
    pattern: /unknown capability: "?(?:CAP_)?(\w+)/,
    what: ([, name]) => `there is no capability \`${name}\``,
    hint: look('cap_add', 'cap_drop'),
  },
  {
    pattern: /invalid --security-opt[^:]*: "?([^"\n]+)|(seccomp profile failed[^\n]*)/,
    what: ([, option, profile]) => `a security option is not valid: ${option ?? profile}`,
    hint: `${look('security_opt', 'services_security_opt')}; a seccomp profile is given as its text, not as a path`,
  },
  {
    pattern: /sysctl "?([\w.]+)"? is not in a separate|sysctl '?([\w.]+)'? (?:is not allowed|not allowed)/,
    what: ([, runc, other]) => `the kernel setting \`${runc ?? other}\` is not one of a container's own`,
    hint: look('sysctls'),
  },
  {
    pattern: /write \/proc\/sys\/(\S+): (.*)|open \/proc\/sys\/(\S+): (.*)/,
    what: ([, wrong, why, unknown, itsWhy]) => {
      const name = (wrong ?? unknown ?? '').replaceAll('/', '.');
      return `the kernel setting \`${name}\` can't be set: ${why ?? itsWhy}`;
    },
    hint: look('sysctls'),
  },
  {
    pattern: /(?:invalid IP address|bad format) (?:in|for) add-host: "?([^"\n]+)/,
    what: ([, value]) => `\`${value}\` in \`extra_hosts\` is no address`,
    hint: `${look('extra_hosts')}: \`name:address\``,
  },
  {
    pattern: /invalid device cgroup rule format: '([^']*)'/,
    what: ([, rule]) => `\`${rule}\` is no device rule`,
    hint: `${look('device_cgroup_rules')}: like \`c 189:* rmw\``,
  },
  {
    pattern: /port is already allocated|address already in use/,
    what: ([words]) => `a port is taken: ${words}`,
    hint: `another container or program of the engine's machine has it; without \`network_mode = "host"\` ${settings} each job has its own ports`,
  },
];

/** What is wrong with the engine's machine, whatever is asked of it. What we make has such names, or is known by its id. */
const ofMachine: readonly Row[] = [
  {
    pattern:
      /(?:No such container: |no container with name or ID "?)[0-9a-f]{64}\b|network (?:ci-[0-9a-f]{12}|[0-9a-f]{64}) not found/,
    what: ([words]) =>
      `the job's ${words.startsWith('network') ? 'network' : 'container'} is gone: somebody has removed it`,
    hint: '`docker system prune` and its like also remove containers and networks of running jobs, which stand still between commands',
  },
  {
    pattern: /iptables[^\n]*(?:No chain|failed)|Failed to Setup IP tables/i,
    what: () => 'its rules of the firewall, which networks need, are gone',
    hint: 'restart the engine: something else has removed its rules of iptables or nftables',
  },
  {
    pattern: /no space left on device|disk quota exceeded/,
    what: () => 'its disk is full',
    hint: '`docker system df` shows with what, `docker system prune` removes what nobody uses',
  },
];

/** What an engine's refusal means; undefined: nothing that is known. */
export function containerTrouble(reason: string): ContainerTrouble | undefined {
  for (const [of, rows] of [['machine', ofMachine] as const, ['wish', ofWishes] as const]) {
    for (const { pattern, what, hint } of rows) {
      const found = pattern.exec(reason);
      if (found !== null) return { what: what(found).replace(/: unknown$/, ''), hint, of };
    }
  }
  return undefined;
}
