import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FileTree, TakenFiles } from '../../model/files.ts';
import type { Dependency } from '../../model/job-spec.ts';
import { type ArtifactRecord, SystemError } from '../../model/outcome.ts';
import type { ArtifactPort } from '../../model/ports.ts';
import type { UploadArtifactsStep } from '../../model/step.ts';
import { ArchiveError } from '../../util/archive/archive-error.ts';
import { unpackZip } from '../../util/archive/unpack-zip.ts';
import {
  artifactFilename,
  artifactFormatOf,
  downloadArtifact,
  type TriesGiven,
  uploadArtifact,
} from '../network/artifact-tries.ts';
import type { ArtifactUpload } from '../network/gitlab-client.ts';
import type { JobPayload } from '../network/payload.ts';
import { packFiles } from './pack-files.ts';

/** What moving artifacts needs. */
export interface ServerArtifactsGiven extends Omit<TriesGiven, 'signal'> {
  readonly job: Pick<JobPayload, 'id' | 'token' | 'dependencies'>;
  /** Absolute and of this job alone; what is in it is removed with it. */
  readonly directory: string;
  /** Downloads may come from the object storage itself. */
  readonly directDownload: 'on' | 'off';
  readonly timeouts?: ArtifactUpload['timeouts'];
}

/** Artifacts of one job of a server: dependencies are downloaded from there, uploads go there. */
export function serverArtifacts(given: ServerArtifactsGiven): ArtifactPort {
  return {
    fetch: (dependency, signal) => fetchDependency(given, dependency, signal),
    store: async (_, step, fill, signal) => {
      const directory = await scratch(given);
      const taken = await fill(directory);
      return taken.entries.length === 0 ? undefined : upload(given, step, { directory, taken }, signal);
    },
    reportsAreRead: 'elsewhere',
    // Workspaces are no part of the protocol.
    workspaceLayers: async () => [],
    persist: async () => {
      throw new SystemError('runner_system_failure', 'a GitLab server keeps no workspaces');
    },
  };
}

async function scratch({ directory }: ServerArtifactsGiven): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return mkdtemp(join(directory, 'artifacts-'));
}

async function fetchDependency(
  given: ServerArtifactsGiven,
  { id, name }: Dependency,
  signal: AbortSignal,
): Promise<FileTree | undefined> {
  const dependency = given.job.dependencies.find((one) => String(one.id) === id);
  if (dependency?.artifactsFile === undefined) return undefined;
  const directory = await scratch(given);
  const archive = join(directory, 'archive');
  const root = join(directory, 'files');
  await mkdir(root);
  const { state, why } = await downloadArtifact({ ...given, signal }, dependency, {
    directDownload: given.directDownload,
    take: (body) => pipeline(body, createWriteStream(archive, { mode: 0o600 })),
  });
  signal.throwIfAborted();
  if (state !== 'succeeded') {
    throw transferFailed(`the artifacts of ${name} (${id}) can't be downloaded: ${why}`);
  }
  const format = await formatOf(archive);
  if (format !== 'zip') {
    throw transferFailed(`the artifacts of ${name} (${id}) are packed as ${format}, not as zip`);
  }
  try {
    // Environments of Python, for one, link to programs of the job's image.
    await unpackZip(archive, root, { symlinks: 'literal', signal });
  } catch (cause) {
    signal.throwIfAborted();
    const what = `the artifacts of ${name} (${id}) can't be unpacked: ${(cause as Error).message}`;
    if (cause instanceof ArchiveError) throw transferFailed(what, { cause });
    throw new SystemError('runner_system_failure', what, { cause });
  }
  await rm(archive);
  return { root, immutable: true };
}

/**
 * Artifacts that can't be moved. With GitLab Runner a program beside the job moves them and ends with 1, and servers take that
 * for a script of the job: their `retry:when` counts on it.
 */
function transferFailed(message: string, more: { readonly cause?: unknown; readonly hint?: string } = {}): SystemError {
  return new SystemError('script_failure', message, { ...more, exit: { kind: 'code', code: 1 } });
}

async function formatOf(path: string): Promise<ReturnType<typeof artifactFormatOf>> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return artifactFormatOf(buffer);
}

interface Taken {
  readonly directory: string;
  readonly taken: TakenFiles;
}

async function upload(
  given: ServerArtifactsGiven,
  step: UploadArtifactsStep,
  { directory, taken }: Taken,
  signal: AbortSignal,
): Promise<ArtifactRecord> {
  const { format, expireIn } = step.asked ?? { format: 'zip', expireIn: '' };
  const path = await packFiles({ root: directory, entries: taken.entries }, format, `${directory}.packed`, signal);
  const filename = artifactFilename(step.name ?? '', format);
  const { state, why } = await uploadArtifact({ ...given, signal }, given.job, {
    filename,
    open: async () => createReadStream(path),
    type: step.type,
    format,
    expireIn,
    ...(given.timeouts === undefined ? {} : { timeouts: given.timeouts }),
  });
  signal.throwIfAborted();
  if (state !== 'succeeded') {
    const hint = state === 'too-large' ? 'make them smaller, or let an administrator raise the limit' : undefined;
    const problem = state === 'too-large' ? `too large (${why})` : why;
    const message = `artifacts (${step.type}) can't be uploaded: ${problem}`;
    throw transferFailed(message, hint === undefined ? {} : { hint });
  }
  await rm(`${directory}.packed`, { force: true });
  const { totalBytes, entries } = taken;
  return { type: step.type, name: filename, path: directory, files: entries.length, totalBytes };
}
