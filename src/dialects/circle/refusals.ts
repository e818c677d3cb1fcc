import type { RefuseStep } from '../../model/step.ts';
import type { MapNode } from '../../syntax/node.ts';
import { field, textOf } from './reading.ts';

/** The kind of this machine in Node's words; what is absent is not known and keeps no job from being run. */
export interface Machine {
  /** `linux`, `darwin`, `win32`. */
  readonly platform: string | undefined;
  /** `x64`, `arm64`. */
  readonly arch: string | undefined;
}

/** What a job wants to be run on, where that is a whole machine. */
interface WantedMachine {
  readonly platform: 'linux' | 'darwin' | 'win32' | undefined;
  readonly isArm: boolean;
}

const names = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' } as const;

/** A step in place of all others, for a job that can't be run on this machine; undefined: it can. */
export function refusalOf(
  missingOrbs: readonly string[],
  body: MapNode | undefined,
  machine: Machine,
): RefuseStep | undefined {
  const [first] = missingOrbs;
  if (first !== undefined) {
    const hint = `\`ci fetch\` reads them, or put the source of \`${first}\` into \`.circleci/orbs\``;
    return refuse(`the job is made of orbs that can't be had: ${missingOrbs.join(', ')}`, hint);
  }
  const wanted = body && wantedMachine(body);
  if (wanted === undefined) return undefined;
  const { platform } = wanted;
  if (platform !== undefined && machine.platform !== undefined && platform !== machine.platform) {
    return refuse(`the job runs on ${names[platform]}, and this machine does not`, hints[platform]);
  }
  if (wanted.isArm && machine.arch !== undefined && machine.arch !== 'arm64') {
    const hint = 'run it on such a machine, or give the job a `resource_class` for this one';
    return refuse(`the job runs on a machine with an Arm processor, and this one has another (${machine.arch})`, hint);
  }
  return undefined;
}

const hints = {
  linux: 'run it on Linux, or give the job `docker` instead of `machine`',
  darwin: 'run it on a Mac',
  win32: 'run it on Windows; all other jobs of the workflow run here',
} as const;

/** Arm machines of the service have classes of their own; the rest of a class tells only how large a machine is. */
export function isArmClass(resourceClass: string | undefined): boolean {
  return resourceClass?.startsWith('arm.') ?? false;
}

/** Only of `machine` and `macos`; a self-hosted runner (`namespace/name`) may be any machine. */
function wantedMachine(body: MapNode): WantedMachine | undefined {
  const resourceClass = textOf(field(body, 'resource_class')?.value) ?? machineText(body, 'resource_class');
  if (field(body, 'macos') !== undefined) return { platform: 'darwin', isArm: false };
  if (field(body, 'machine') === undefined) return undefined;
  const image = machineText(body, 'image') ?? '';
  if (/^windows/i.test(image) || /^windows\./i.test(resourceClass ?? '')) return { platform: 'win32', isArm: false };
  const isOwn = resourceClass?.includes('/') ?? false;
  return { platform: isOwn ? undefined : 'linux', isArm: isArmClass(resourceClass) };
}

/** `machine` is a map, or the name of an image. */
function machineText(body: MapNode, key: string): string | undefined {
  const machine = field(body, 'machine')?.value;
  if (machine?.kind === 'scalar') return key === 'image' ? textOf(machine) : undefined;
  return textOf(field(machine, key)?.value);
}

function refuse(message: string, hint: string): RefuseStep {
  return { kind: 'refuse', phase: 'prepare', when: 'always', reason: 'runner_unsupported', message, hint };
}
